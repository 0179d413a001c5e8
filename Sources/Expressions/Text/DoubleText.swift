/// Doubles as text and back.
enum DoubleText {
    /// Reads a decimal number, `NaN`, `Infinity`, `Inf` with a sign; nil for everything else.
    static func parse(_ text: String) -> Double? {
        switch text.lowercased() {
        case "nan": return .nan
        case "inf", "+inf", "infinity", "+infinity": return .infinity
        case "-inf", "-infinity": return -.infinity
        default: break
        }
        guard text.utf8.count <= 512, let first = text.utf8.first, first != UInt8(ascii: "e") else {
            return nil
        }
        let isPlain = text.utf8.allSatisfy { $0.isDigit || "+-.eE".utf8.contains($0) }
        guard isPlain, text.utf8.contains(where: \.isDigit), let number = Double(text), number.isFinite else {
            return nil
        }
        return number
    }

    /// What writing a number costs, besides its characters.
    static let cost = 4

    /// The shortest digits that mean the number, never with an exponent: `1`, `-0.0045`, `NaN`, `Infinity`.
    static func plain(_ number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
        var text = Substring("\(number)")
        let isNegative = text.hasPrefix("-")
        if isNegative { text.removeFirst() }
        var exponent = 0
        if let mark = text.firstIndex(of: "e") {
            exponent = Int(text[text.index(after: mark)...]) ?? 0
            text = text[..<mark]
        }
        let parts = text.split(separator: ".")
        var digits = Array((parts.joined()).utf8)
        var point = (parts.first?.utf8.count ?? 0) + exponent
        while digits.last == UInt8(ascii: "0"), digits.count > max(point, 1) { digits.removeLast() }
        while digits.first == UInt8(ascii: "0"), digits.count > 1, point > 1 {
            digits.removeFirst()
            point -= 1
        }
        if point <= 0 {
            digits.insert(contentsOf: repeatElement(UInt8(ascii: "0"), count: 1 - point), at: 0)
            point = 1
        }
        if digits.count < point {
            digits.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: point - digits.count))
        }
        let whole = String(decoding: digits[..<point], as: UTF8.self)
        let fraction = String(decoding: digits[point...], as: UTF8.self)
        return (isNegative ? "-" : "") + whole + (fraction.isEmpty ? "" : "." + fraction)
    }
}
