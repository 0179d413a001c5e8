public import FoundationEssentials

/// A message on its way out: a topic, a sample time, and a reading or opaque bytes.
///
/// The initialisers refuse what no server would take (semantics, section 8), so that a mistake is met where
/// it was made and nothing malformed is ever buffered.
public struct OutgoingMessage: Hashable, Sendable {
    enum Body: Hashable, Sendable {
        case reading(ReadingShape, [ReadingValue])
        case failedReading(reason: String)
        case payload(contentType: String, [UInt8])
    }

    /// The topic.
    public let topic: String
    /// When it was sampled, in microseconds since 1970-01-01T00:00:00Z.
    public let timeMicroseconds: Int64
    /// W3C `traceparent` of a sampled message, empty otherwise.
    public private(set) var traceparent: String
    /// True when the clock behind the time was doubtful.
    var timeDoubtful = false
    var body: Body

    /// Bytes that the message counts for in the buffer: an upper estimate of its packed form.
    private(set) var cost: Int

    /// A reading.
    ///
    /// - Parameters:
    ///   - topic: 1 to 256 bytes, at most 8 levels, no wildcards, not beginning with `$`.
    ///   - values: 1 to 256 fields; a name has 1 to 128 bytes, a text at most 64 KiB.
    ///   - units: Units by field name, at most 64 bytes each; each must name a field.
    ///   - time: When it was sampled.
    ///   - traceparent: W3C `traceparent`, empty where the message is not traced.
    /// - Throws: ``ThingError/invalidMessage(_:)``, which says what is wrong and what is allowed.
    public init(
        topic: String, values: [String: ReadingValue], units: [String: String] = [:], time: Date,
        traceparent: String = ""
    ) throws(ThingError) {
        try MessageRules.check(values: values, units: units)
        let names = values.keys.sorted()
        var kinds: [ReadingShape.Kind] = []
        var ordered: [ReadingValue] = []
        var cost = 0
        for name in names {
            guard let value = values[name] else { continue }
            kinds.append(value.kind)
            ordered.append(value)
            cost += value.cost
        }
        let shape = ReadingShape(names: names, units: names.map { units[$0] ?? "" }, kinds: kinds)
        try self.init(
            topic: topic, body: .reading(shape, ordered), contentCost: cost + shape.cost, time: time,
            traceparent: traceparent)
    }

    /// A sample that could not be taken.
    ///
    /// - Parameter failure: Why, for people; cut at 256 bytes.
    /// - Throws: ``ThingError/invalidMessage(_:)`` for a topic that is not allowed.
    public init(topic: String, failure: String, time: Date) throws(ThingError) {
        let reason = MessageRules.cut(failure, at: 256)
        try self.init(
            topic: topic, body: .failedReading(reason: reason), contentCost: reason.utf8.count + 8,
            time: time,
            traceparent: "")
    }

    /// Opaque bytes.
    ///
    /// - Parameters:
    ///   - topic: As for a reading.
    ///   - payload: At most 1 MiB together with everything else in the message.
    ///   - contentType: Media type, at most 128 bytes; `application/octet-stream` where it is empty.
    ///   - time: When they were made.
    ///   - traceparent: W3C `traceparent`, empty where the message is not traced.
    /// - Throws: ``ThingError/invalidMessage(_:)``.
    public init(
        topic: String, payload: [UInt8], contentType: String, time: Date, traceparent: String = ""
    ) throws(ThingError) {
        if contentType.utf8.count > MessageRules.longestContentType {
            throw ThingError.invalidMessage(
                "The content type of a message for \"\(topic)\" has \(contentType.utf8.count) bytes; at most "
                    + "\(MessageRules.longestContentType) are allowed.")
        }
        try self.init(
            topic: topic, body: .payload(contentType: contentType, payload),
            contentCost: payload.count + contentType.utf8.count + 6, time: time, traceparent: traceparent)
    }

    private init(
        topic: String, body: Body, contentCost: Int, time: Date, traceparent: String
    ) throws(ThingError) {
        try MessageRules.check(topic: topic)
        let seconds = time.timeIntervalSince1970
        guard seconds.isFinite, abs(seconds) < 253_402_300_800 else {
            throw ThingError.invalidMessage(
                "The time of a message for \"\(topic)\" lies outside the years that a timestamp can hold.")
        }
        if traceparent.utf8.count > MessageRules.longestTraceparent {
            throw ThingError.invalidMessage(
                "The traceparent of a message for \"\(topic)\" is longer than a W3C traceparent.")
        }
        let cost = contentCost + topic.utf8.count + traceparent.utf8.count + MessageRules.overhead
        if cost > MessageRules.largestMessage {
            throw ThingError.invalidMessage(
                "The message for \"\(topic)\" has about \(cost) bytes; at most \(MessageRules.largestMessage) "
                    + "(1 MiB) are allowed. Send larger things in parts.")
        }
        self.topic = topic
        self.timeMicroseconds = Int64((seconds * 1_000_000).rounded())
        self.traceparent = traceparent
        self.body = body
        self.cost = cost
    }

    /// Whether it stays within the limits as part of a trace.
    var hasRoomForTrace: Bool { cost + MessageRules.longestTraceparent <= MessageRules.largestMessage }

    /// Makes the message part of a trace.
    mutating func trace(as traceparent: String) {
        cost += traceparent.utf8.count - self.traceparent.utf8.count
        self.traceparent = traceparent
    }

    /// Whether the two may share a batch, times and sizes aside.
    func fits(with other: OutgoingMessage) -> Bool {
        guard timeDoubtful == other.timeDoubtful, topic == other.topic else { return false }
        switch (body, other.body) {
        case (.reading(let shape, _), .reading(let otherShape, _)): return shape == otherShape
        case (.payload(let type, _), .payload(let otherType, _)): return type == otherType
        default: return false
        }
    }

    /// Takes the other's shape where it is equal, so that a buffer of equal readings holds names once.
    mutating func shareShape(of other: OutgoingMessage) {
        guard case .reading(let shape, let values) = body, case .reading(let otherShape, _) = other.body,
            shape == otherShape
        else { return }
        body = .reading(otherShape, values)
    }
}
