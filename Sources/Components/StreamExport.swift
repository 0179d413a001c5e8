/// Somewhere that a stream's messages go: each export has its own place in the stream, and space is free again
/// when every export has what was there.
public struct StreamExport: Hashable, Sendable {
    /// Where the messages go.
    public enum Target: Hashable, Sendable {
        /// The cloud, over the core's uplink.
        case cloud
        /// A topic on the core: a message goes to local things and components under this topic and its own.
        case topic(String)
        /// A directory of JSON-lines files on the core.
        case directory(StreamDirectory)
    }

    /// Limits of exports.
    public enum Limits {
        /// Most exports of a stream.
        public static let exports = 8
        /// Most bytes of the path of a directory.
        public static let pathBytes = 1_024
    }

    /// The name of the export to the cloud; no other export may have it.
    public static let cloudName = "cloud"
    /// The export to the cloud, which a stream has where it names none.
    public static let cloud = StreamExport(.cloud)

    /// Where the messages go.
    public var target: Target
    /// The name that was given; nil where it follows from the target.
    public var givenName: String?

    /// Makes an export.
    public init(_ target: Target, name: String? = nil) {
        self.target = target
        givenName = name
    }

    /// The name, unique in its stream: the given one, else `cloud`, `topic:TOPIC` or `directory:PATH`.
    public var name: String {
        if let givenName { return givenName }
        return switch target {
        case .cloud: Self.cloudName
        case .topic(let topic): "topic:\(topic)"
        case .directory(let directory): "directory:\(directory.path)"
        }
    }

    /// What kind of target it is: `cloud`, `topic` or `directory`.
    public var kind: String {
        switch target {
        case .cloud: "cloud"
        case .topic: "topic"
        case .directory: "directory"
        }
    }
}

extension StreamExport: CustomStringConvertible {
    /// For people: `cloud`, `topic:line/1`, `archive (directory:/srv/readings)`.
    public var description: String {
        guard let givenName else { return name }
        return "\(givenName) (\(StreamExport(target).name))"
    }
}

extension StreamExport: Codable {
    private enum CodingKeys: String, CodingKey {
        case name, topic, directory
    }

    /// Reads a stored export; one that names neither topic nor directory is the cloud.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let topic = try container.decodeIfPresent(String.self, forKey: .topic) {
            target = .topic(topic)
        } else if let directory = try container.decodeIfPresent(StreamDirectory.self, forKey: .directory) {
            target = .directory(directory)
        } else {
            target = .cloud
        }
        givenName = try container.decodeIfPresent(String.self, forKey: .name)
    }

    /// Writes an export.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch target {
        case .cloud: break
        case .topic(let topic): try container.encode(topic, forKey: .topic)
        case .directory(let directory): try container.encode(directory, forKey: .directory)
        }
        try container.encodeIfPresent(givenName, forKey: .name)
    }
}
