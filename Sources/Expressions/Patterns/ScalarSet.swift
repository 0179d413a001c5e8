/// A set of Unicode scalars.
struct ScalarSet: Sendable {
    var ranges: [ClosedRange<UInt32>] = []
    /// Properties whose scalars belong to the set too; negated ones by those that lack it.
    var properties: [(property: Property, isNegated: Bool)] = []
    var isNegated = false
    /// Whether upper and lower case are the same.
    var ignoresCase = false

    /// A property by its general categories.
    struct Property: Sendable {
        let categories: Set<Unicode.GeneralCategory>
    }

    init(_ ranges: ClosedRange<UInt32>...) { self.ranges = ranges }

    init(_ scalar: Unicode.Scalar) { ranges = [scalar.value...scalar.value] }

    static let digits = ScalarSet(0x30...0x39)
    static let words = ScalarSet(0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A)
    static let blanks = ScalarSet(0x09...0x0A, 0x0C...0x0D, 0x20...0x20)
    static let all = ScalarSet(0...0x10_FFFF)
    static let allButNewline = ScalarSet(0...0x09, 0x0B...0x10_FFFF)

    var negated: ScalarSet {
        var copy = self
        copy.isNegated.toggle()
        return copy
    }

    /// Adds another set, which must not ignore case.
    mutating func formUnion(_ other: ScalarSet) {
        if other.isNegated {
            // The gaps between the other's ranges; a negated property keeps its flag instead.
            var next: UInt32 = 0
            for range in other.ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
                if range.lowerBound > next { ranges.append(next...(range.lowerBound - 1)) }
                next = max(next, range.upperBound + 1)
            }
            if other.properties.isEmpty, next <= 0x10_FFFF { ranges.append(next...0x10_FFFF) }
            properties += other.properties.map { ($0.property, !$0.isNegated) }
        } else {
            ranges += other.ranges
            properties += other.properties
        }
    }

    /// What asking for a scalar costs beyond the state that asks: ranges are looked at one by one, without case
    /// for up to three scalars.
    var cost: Int {
        let looks = ranges.count + 8 * properties.count
        return (ignoresCase ? 3 * looks + 16 : looks) / 16
    }

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        if holds(scalar) { return !isNegated }
        guard ignoresCase else { return isNegated }
        for mapping in [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping] {
            let mapped = mapping.unicodeScalars
            if mapped.count == 1, let other = mapped.first, holds(other) { return !isNegated }
        }
        return isNegated
    }

    private func holds(_ scalar: Unicode.Scalar) -> Bool {
        ranges.contains { $0.contains(scalar.value) }
            || properties.contains { entry in
                entry.property.categories.contains(scalar.properties.generalCategory) != entry.isNegated
            }
    }
}

extension ScalarSet {
    /// A class by its name in brackets, `[:alpha:]`; nil for unknown names.
    static func named(_ name: String) -> ScalarSet? {
        switch name {
        case "alpha": ScalarSet(0x41...0x5A, 0x61...0x7A)
        case "digit": digits
        case "alnum": ScalarSet(0x30...0x39, 0x41...0x5A, 0x61...0x7A)
        case "upper": ScalarSet(0x41...0x5A)
        case "lower": ScalarSet(0x61...0x7A)
        case "space": ScalarSet(0x09...0x0D, 0x20...0x20)
        case "blank": ScalarSet(0x09...0x09, 0x20...0x20)
        case "punct": ScalarSet(0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E)
        case "xdigit": ScalarSet(0x30...0x39, 0x41...0x46, 0x61...0x66)
        case "word": words
        case "cntrl": ScalarSet(0...0x1F, 0x7F...0x7F)
        case "print": ScalarSet(0x20...0x7E)
        case "graph": ScalarSet(0x21...0x7E)
        case "ascii": ScalarSet(0...0x7F)
        default: nil
        }
    }

    /// The general categories by their short names.
    private static let categories: [String: Set<Unicode.GeneralCategory>] = [
        "Lu": [.uppercaseLetter], "Ll": [.lowercaseLetter], "Lt": [.titlecaseLetter],
        "Lm": [.modifierLetter], "Lo": [.otherLetter], "Mn": [.nonspacingMark], "Mc": [.spacingMark],
        "Me": [.enclosingMark], "Nd": [.decimalNumber], "Nl": [.letterNumber], "No": [.otherNumber],
        "Pc": [.connectorPunctuation], "Pd": [.dashPunctuation], "Ps": [.openPunctuation],
        "Pe": [.closePunctuation], "Pi": [.initialPunctuation], "Pf": [.finalPunctuation],
        "Po": [.otherPunctuation], "Sm": [.mathSymbol], "Sc": [.currencySymbol], "Sk": [.modifierSymbol],
        "So": [.otherSymbol], "Zs": [.spaceSeparator], "Zl": [.lineSeparator],
        "Zp": [.paragraphSeparator], "Cc": [.control], "Cf": [.format],
    ]

    /// A Unicode general category by its short name, `L` or `Lu`; nil for unknown names.
    static func category(_ name: String) -> ScalarSet? {
        let found = categories.filter { $0.key == name || (name.utf8.count == 1 && $0.key.hasPrefix(name)) }
        if found.isEmpty { return nil }
        var set = ScalarSet()
        set.properties = [(Property(categories: found.values.reduce(into: []) { $0.formUnion($1) }), false)]
        return set
    }
}
