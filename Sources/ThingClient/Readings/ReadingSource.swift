public import FoundationEssentials

/// One reading from a source, and when it is due.
public struct SourcedReading: Hashable, Sendable {
    /// How long after the reading before it this one is due; zero for at once.
    public var delay: Duration
    /// When it was sampled; nil for the moment when it is due.
    public var time: Date?
    /// The values.
    public var values: [String: ReadingValue]
    /// Units by field name.
    public var units: [String: String]

    /// Makes a reading.
    public init(
        delay: Duration, time: Date? = nil, values: [String: ReadingValue], units: [String: String] = [:]
    ) {
        self.delay = delay
        self.time = time
        self.values = values
        self.units = units
    }
}

/// Where a thing's readings come from: a sensor, a simulation, a recording.
public protocol ReadingSource: Sendable {
    /// The next reading; nil at the end.
    ///
    /// - Parameter now: The time of day when the reading before was due.
    mutating func next(after now: Date) async throws -> SourcedReading?

    /// Changes the time between readings.
    ///
    /// - Returns: False where the source has a pace of its own.
    mutating func setInterval(_ interval: Duration) -> Bool
}
