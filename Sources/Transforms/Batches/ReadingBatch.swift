/// Readings of one thing and one topic, by column, as `hedgerow.type.v1.Batch` has them.
///
/// A plain value; it may be inconsistent: ``validate()`` says so. Arrays are shared when a batch is copied.
public struct ReadingBatch: Hashable, Sendable {
    /// Name of the thing that the readings come from.
    public var thing: String
    /// Topic of every reading.
    public var topic: String
    /// Sample time of each row, microseconds since 1970-01-01 00:00 UTC. Its length is the number of rows.
    public var times: [Int64]
    /// The fields, one value a row.
    public var columns: [ReadingColumn]
    /// Rows that are no ordinary readings, and why.
    public var statuses: [Int: RowStatus]
    /// W3C `traceparent` of those rows that are sampled; carried along.
    public var traces: [Int: String]
    /// Whether the clock behind the sample times was doubtful.
    public var isTimeDoubtful: Bool

    /// Makes a batch.
    public init(
        thing: String, topic: String, times: [Int64], columns: [ReadingColumn] = [],
        statuses: [Int: RowStatus] = [:], traces: [Int: String] = [:], isTimeDoubtful: Bool = false
    ) {
        self.thing = thing
        self.topic = topic
        self.times = times
        self.columns = columns
        self.statuses = statuses
        self.traces = traces
        self.isTimeDoubtful = isTimeDoubtful
    }

    /// Number of rows.
    public var count: Int { times.count }
}
