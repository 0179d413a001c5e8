/// What readings of one kind have in common: field names, units and types. Readings of one topic and one
/// shape share a batch, which says these once.
struct ReadingShape: Hashable, Sendable {
    enum Kind: UInt8, Hashable, Sendable {
        case double, integer, bool, string
    }

    /// Field names, sorted, so that equal readings have equal shapes.
    let names: [String]
    /// One unit a field, empty where it has none.
    let units: [String]
    /// One type a field.
    let kinds: [Kind]

    /// Bytes of the names and units.
    let cost: Int

    init(names: [String], units: [String], kinds: [Kind]) {
        self.names = names
        self.units = units
        self.kinds = kinds
        var cost = 0
        for name in names { cost += name.utf8.count + 6 }
        for unit in units { cost += unit.utf8.count }
        self.cost = cost
    }
}
