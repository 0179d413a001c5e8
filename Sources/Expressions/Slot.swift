/// A value that an evaluation needs from outside. Its index in ``CompiledExpression/slots`` is its index in a
/// ``Frame``.
public struct Slot: Hashable, Sendable {
    /// Where the value comes from.
    public enum Source: Hashable, Sendable {
        /// A declared variable.
        case variable(String)
        /// A field of a declared record.
        case field(record: String, name: String)
    }

    /// Where the value comes from.
    public let source: Source
    /// Its declared type. Values of another type are an error of the evaluation; `dyn` takes all.
    public let type: ValueType
    /// Whether a value is read; false where the expression only asks whether it is there (`has`).
    public let isRead: Bool
    /// Whether the expression asks whether it is there.
    public let isTested: Bool
}
