public import FoundationEssentials

/// Where a thing's readings come from: a sensor, a simulation, a recording.
///
/// The caller asks when the next reading is due, waits, and then takes it, so that a sensor is read at the
/// moment that the reading is of:
///
/// ```swift
/// while let delay = try await source.nextDelay(after: .now) {
///     try await Task.sleep(for: delay)
///     guard let reading = try await source.read(at: .now) else { break }
///     …
/// }
/// ```
///
/// A sample that could not be taken is a reading with a ``SourcedReading/failure``; what a source throws ends
/// it.
public protocol ReadingSource: Sendable {
    /// How long after the reading before it the next one is due, zero for at once; nil at the end.
    ///
    /// Asked again before ``read(at:)``, it answers for the same reading.
    ///
    /// - Parameter now: The time of day when the reading before was due.
    mutating func nextDelay(after now: Date) async throws -> Duration?

    /// Takes the reading that is due; nil at the end.
    ///
    /// - Parameter now: The time of day.
    mutating func read(at now: Date) async throws -> SourcedReading?

    /// Changes the time between readings.
    ///
    /// - Returns: False where the source has a pace of its own.
    mutating func setInterval(_ interval: Duration) -> Bool
}

extension ReadingSource {
    /// The next reading without waiting for it, as if it were due; nil at the end.
    ///
    /// - Parameter now: The time of day when the reading before was due.
    public mutating func next(after now: Date) async throws -> SourcedReading? {
        guard let delay = try await nextDelay(after: now) else { return nil }
        return try await read(at: now.addingTimeInterval(delay.seconds))
    }
}

extension Duration {
    /// The duration in seconds.
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
