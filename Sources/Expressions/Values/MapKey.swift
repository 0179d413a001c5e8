/// A key of a map in the form in which equal keys are one.
enum MapKey: Hashable, Sendable {
    /// A whole number that fits 64 bits with sign.
    case integer(Int64)
    /// A whole number above that.
    case large(UInt64)
    case bool(Bool)
    /// A text by its UTF-8, as Swift's equality of strings would normalise.
    case text(ExactText)

    /// The key of an entry; nil where the value can be none. Doubles can be none.
    init?(storing value: Value) {
        switch value {
        case .int(let number): self = .integer(number)
        case .uint(let number): self = Int64(exactly: number).map(Self.integer) ?? .large(number)
        case .bool(let flag): self = .bool(flag)
        case .string(let text): self = .text(ExactText(text))
        default: return nil
        }
    }

    /// The key that a lookup means: as for storing, and a double that is a whole number.
    init?(looking value: Value) {
        guard case .double(let number) = value else {
            self.init(storing: value)
            return
        }
        if let whole = Int64(exactly: number) {
            self = .integer(whole)
        } else if let whole = UInt64(exactly: number) {
            self = .large(whole)
        } else {
            return nil
        }
    }
}
