/// One reading on its own, for what looks at single rows (tests, dead letters, tables).
public struct ReadingRow: Hashable, Sendable {
    /// One field that the reading has.
    public struct Field: Hashable, Sendable {
        /// Name.
        public var name: String
        /// Value.
        public var value: ReadingValue
        /// Unit; empty where it has none.
        public var unit: String
    }

    /// Name of the thing that it comes from.
    public var thing: String
    /// Topic.
    public var topic: String
    /// Sample time, microseconds since 1970-01-01 00:00 UTC.
    public var time: Int64
    /// Those fields that it has, in the order of the batch.
    public var fields: [Field]
    /// Why it is no ordinary reading; nil where it is.
    public var status: RowStatus?
    /// W3C `traceparent`; nil where it is not sampled.
    public var trace: String?
    /// Whether the clock behind ``time`` was doubtful.
    public var isTimeDoubtful: Bool
}
