public import FoundationEssentials

/// One reading from a source, or a sample that could not be taken.
public struct SourcedReading: Hashable, Sendable {
    /// What a sample gave.
    public enum Content: Hashable, Sendable {
        /// Values by field name, at least one, and the units of some of them.
        case values([String: ReadingValue], units: [String: String])
        /// The sample could not be taken; why, for people.
        case failure(String)
    }

    /// How long after the reading before it this one was due; zero for at once.
    public var delay: Duration
    /// When it was sampled; nil for the moment when it was due.
    public var time: Date?
    /// What the sample gave.
    public var content: Content

    /// Makes a reading.
    public init(
        delay: Duration, time: Date? = nil, values: [String: ReadingValue], units: [String: String] = [:]
    ) {
        self.delay = delay
        self.time = time
        self.content = .values(values, units: units)
    }

    /// Makes a sample that could not be taken.
    public init(delay: Duration, time: Date? = nil, failure: String) {
        self.delay = delay
        self.time = time
        self.content = .failure(failure)
    }

    /// The values; none where the sample could not be taken.
    public var values: [String: ReadingValue] {
        if case .values(let values, _) = content { values } else { [:] }
    }

    /// Units by field name; none where the sample could not be taken.
    public var units: [String: String] {
        if case .values(_, let units) = content { units } else { [:] }
    }

    /// Why the sample could not be taken; nil where it was.
    public var failure: String? {
        if case .failure(let reason) = content { reason } else { nil }
    }

    /// The message that tells of it.
    ///
    /// - Parameters:
    ///   - topic: As for every message.
    ///   - now: When it was due.
    /// - Throws: ``ThingError/invalidMessage(_:)``.
    public func message(topic: String, at now: Date) throws(ThingError) -> OutgoingMessage {
        switch content {
        case .values(let values, let units):
            try OutgoingMessage(topic: topic, values: values, units: units, time: time ?? now)
        case .failure(let reason):
            try OutgoingMessage(topic: topic, failure: reason, time: time ?? now)
        }
    }
}
