/// The parameters of a durable stream on a core (semantics, section 3).
public struct StreamSettings: Hashable, Sendable {
    /// What a full stream does.
    public enum FullPolicy: String, CaseIterable, Hashable, Sendable, Codable {
        /// Overwrites the oldest messages and records their origin ranges as lost.
        case overwriteOldest
        /// Takes nothing new: its publishers are paused until there is room.
        case rejectNew
    }

    /// Where a stream's messages are kept.
    public enum Persistence: String, CaseIterable, Hashable, Sendable, Codable {
        /// On the core's disk: they survive a restart and a power cut.
        case disk
        /// In memory: what waits when the core ends is lost.
        case memory
    }

    /// The stream that a route to the cloud goes through where it names none. It exists in every group.
    public static let defaultName = "default"
    /// Least ``maxSize``: 64 KiB.
    public static let minimumSize = ByteSize.kibibytes(64)
    /// Least ``timeToLive``: a minute.
    public static let minimumTimeToLive = TimeSpan.seconds(60)
    /// The priorities there are: 1 drains first.
    public static let priorities = 1...10
    /// The batch sizes there are.
    public static let batchSizes = 1...1_000
    /// The batch intervals there are: none to ten seconds.
    public static let batchIntervals = TimeSpan.seconds(0)...TimeSpan.seconds(10)
    /// The shares of the uplink that live messages may have; 0 is off.
    public static let liveShares = 0...0.95
    /// Least ``maxRate``: 1 KiB per second.
    public static let minimumRate = ByteSize.kibibytes(1)

    /// Bytes of payload kept; 256 MiB by default, at least ``minimumSize``.
    public var maxSize: ByteSize
    /// What happens to new messages when the stream is full; overwrites the oldest by default.
    public var onFull: FullPolicy
    /// How long after the core received it a message is kept; for ever (nil) by default, at least
    /// ``minimumTimeToLive``. What expires is recorded as lost.
    public var timeToLive: TimeSpan?
    /// 1 (drains first) to 10, 5 by default; equal priorities share the uplink.
    public var priority: Int
    /// Where messages are kept; on disk by default.
    public var persistence: Persistence
    /// Messages that are worth a request of their own while another is under way; 500 by default, within
    /// ``batchSizes``.
    public var batchSize: Int
    /// How long a message waits for others while a batch is under way; 10 ms by default, within
    /// ``batchIntervals``. An idle uplink sends at once.
    public var batchInterval: TimeSpan
    /// Share of the stream's uplink that new messages have while a backlog drains; 0 (off: in order) by default,
    /// within ``liveShares``.
    public var liveShare: Double
    /// Most bytes per second on the uplink; none (nil) by default, at least ``minimumRate``.
    public var maxRate: ByteSize?
    /// Where the messages go; the cloud by default. At least one, at most ``StreamExport/Limits/exports``.
    public var exports: [StreamExport]

    /// Makes settings; what is not named has its default.
    public init(
        maxSize: ByteSize = .mebibytes(256), onFull: FullPolicy = .overwriteOldest,
        timeToLive: TimeSpan? = nil, priority: Int = 5, persistence: Persistence = .disk,
        batchSize: Int = 500, batchInterval: TimeSpan = TimeSpan(milliseconds: 10), liveShare: Double = 0,
        maxRate: ByteSize? = nil, exports: [StreamExport] = [.cloud]
    ) {
        self.maxSize = maxSize
        self.onFull = onFull
        self.timeToLive = timeToLive
        self.priority = priority
        self.persistence = persistence
        self.batchSize = batchSize
        self.batchInterval = batchInterval
        self.liveShare = liveShare
        self.maxRate = maxRate
        self.exports = exports
    }

    /// Whether the stream goes to the cloud.
    public var reachesCloud: Bool { exports.contains { $0.target == .cloud } }

    /// The same settings in one spelling: exports sorted by name.
    public var canonical: StreamSettings {
        var copy = self
        copy.exports.sort { $0.name < $1.name }
        return copy
    }
}

extension StreamSettings: Codable {
    private enum CodingKeys: String, CodingKey {
        case maxSize, onFull, timeToLive, priority, persistence, batchSize, batchInterval, liveShare, maxRate
        case exports
    }

    /// Reads stored settings. What an older version did not store has its default.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        maxSize = try container.decode(ByteSize.self, forKey: .maxSize)
        onFull = try container.decode(FullPolicy.self, forKey: .onFull)
        priority = try container.decode(Int.self, forKey: .priority)
        timeToLive = try container.decodeIfPresent(TimeSpan.self, forKey: .timeToLive)
        if let stored = try container.decodeIfPresent(Persistence.self, forKey: .persistence) {
            persistence = stored
        }
        if let stored = try container.decodeIfPresent(Int.self, forKey: .batchSize) { batchSize = stored }
        if let stored = try container.decodeIfPresent(TimeSpan.self, forKey: .batchInterval) {
            batchInterval = stored
        }
        if let stored = try container.decodeIfPresent(Double.self, forKey: .liveShare) { liveShare = stored }
        maxRate = try container.decodeIfPresent(ByteSize.self, forKey: .maxRate)
        if let stored = try container.decodeIfPresent([StreamExport].self, forKey: .exports) {
            exports = stored
        }
    }
}
