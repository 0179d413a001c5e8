/// All decimal digits of a finite double: a double is a whole number times a power of two, so its decimal
/// expansion ends (after at most 1,074 places), and rounding it half to even is exact.
struct DecimalDigits {
    private let isNegative: Bool
    /// Digits 0 to 9, no leading zero; empty for zero.
    private let digits: [UInt8]
    /// How many of the digits stand before the point; negative for zeros after it.
    private let point: Int

    init(_ number: Double) {
        isNegative = number.sign == .minus
        let bits = number.bitPattern
        let field = Int(bits >> 52 & 0x7FF)
        var mantissa = bits & (1 << 52 - 1)
        if field > 0 { mantissa |= 1 << 52 }
        var exponent = max(field, 1) - 1_075
        while mantissa != 0, mantissa & 1 == 0, exponent < 0 {
            mantissa >>= 1
            exponent += 1
        }
        // Nine decimal digits a limb, the lowest first: doubled for each power of two, or multiplied by five for
        // each negative one (x / 2 is x * 5 / 10); several powers at once, as many as fit.
        var limbs: [UInt64] = []
        while mantissa > 0 {
            limbs.append(mantissa % Self.limb)
            mantissa /= Self.limb
        }
        let factor: UInt64 = exponent < 0 ? 5 : 2
        var left = limbs.isEmpty ? 0 : abs(exponent)
        while left > 0 {
            let powers = min(left, Self.powersAtOnce)
            left -= powers
            let product = (0..<powers).reduce(1) { number, _ in number * factor }
            var carry: UInt64 = 0
            for index in limbs.indices {
                let sum = limbs[index] * product + carry
                limbs[index] = sum % Self.limb
                carry = sum / Self.limb
            }
            if carry > 0 { limbs.append(carry) }
        }
        digits = Self.digits(of: limbs)
        point = digits.isEmpty ? 0 : digits.count + min(exponent, 0)
    }

    private static let limb: UInt64 = 1_000_000_000
    /// Five to this power is less than a limb, so that the carry is one too.
    private static let powersAtOnce = 12

    private static func digits(of limbs: [UInt64]) -> [UInt8] {
        var little: [UInt8] = []
        little.reserveCapacity(9 * limbs.count)
        for var limb in limbs {
            for _ in 0..<9 {
                little.append(UInt8(limb % 10))
                limb /= 10
            }
        }
        while little.last == 0 { little.removeLast() }
        return little.reversed()
    }

    /// The first `count` digits, rounded half to even; may have one more in front, which the flag tells.
    private func rounded(_ count: Int) -> (digits: [UInt8], hasCarried: Bool) {
        if count < 0 { return ([], false) }
        if count >= digits.count {
            return (digits + repeatElement(0, count: count - digits.count), false)
        }
        var kept = Array(digits[..<count])
        let next = digits[count]
        let isTie = next == 5 && digits[(count + 1)...].allSatisfy { $0 == 0 }
        let isOdd = (kept.last ?? 0) % 2 == 1
        if next > 5 || (next == 5 && !isTie) || (isTie && isOdd) {
            var index = count - 1
            while index >= 0, kept[index] == 9 {
                kept[index] = 0
                index -= 1
            }
            if index >= 0 {
                kept[index] += 1
            } else {
                kept.insert(1, at: 0)
                return (kept, true)
            }
        }
        return (kept, false)
    }

    private func text(_ digits: some Sequence<UInt8>) -> String {
        String(decoding: digits.map { $0 + UInt8(ascii: "0") }, as: UTF8.self)
    }

    /// Digits with `places` after the point.
    func fixed(_ places: Int) -> String {
        var (kept, hasCarried) = rounded(point + places)
        let before = point + (hasCarried ? 1 : 0)
        if before <= 0 {
            // Zeros between point and first digit, as far as they are shown, and one before the point.
            let missing = places + 1 - kept.count
            kept.insert(contentsOf: repeatElement(0, count: max(missing, 0)), at: 0)
        }
        let whole = kept.count - places
        let sign = isNegative ? "-" : ""
        let head = text(kept[..<whole])
        return places == 0 ? sign + head : sign + head + "." + text(kept[whole...])
    }

    /// One digit, `places` after the point, and an exponent of at least two digits.
    func scientific(_ places: Int) -> String {
        var (kept, hasCarried) = rounded(places + 1)
        var exponent = digits.isEmpty ? 0 : point - 1
        if hasCarried {
            exponent += 1
            kept.removeLast()
        }
        let sign = isNegative ? "-" : ""
        let magnitude = "\(abs(exponent))"
        let head = text(kept[..<1]) + (places == 0 ? "" : "." + text(kept[1...]))
        return sign + head + (exponent < 0 ? "e-" : "e+") + (magnitude.utf8.count < 2 ? "0" : "") + magnitude
    }
}
