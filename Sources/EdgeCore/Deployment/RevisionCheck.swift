public import Components
public import HedgerowAPI
import Identity

/// Says whether this core can run a revision, before anything is changed.
///
/// The cloud checks the same before it deploys; the core checks again because it, not the cloud, would break.
public enum RevisionCheck {
    /// What hinders this core from running the revision, in one sentence; nil where nothing does.
    public static func problem(
        with revision: Hedgerow_Type_V1_GroupRevision, core: String
    ) -> String? {
        guard revision.revision > 0 else { return "the revision has no number; deploy it again" }
        guard revision.cores.contains(core) else {
            return
                "revision \(revision.revision) of group \"\(revision.group)\" does not name the core \"\(core)\"; "
                + "add it to the group's cores and deploy again"
        }
        let definition: GroupDefinition
        do {
            definition = try GroupDefinition(revision)
        } catch {
            return "revision \(revision.revision) of group \"\(revision.group)\": \(error)"
        }
        let problems = definition.validate()
        guard let first = problems.first else { return nil }
        let more = problems.count > 1 ? " (and \(problems.count - 1) more)" : ""
        return "revision \(revision.revision) of group \"\(revision.group)\": \(first)\(more)"
    }
}

extension GroupDefinition {
    /// Reads a revision as it comes over the wire.
    ///
    /// - Throws: ``UnreadableRevision`` where an end, a stream or a number cannot be read. A definition that is
    ///   read may still be invalid: ask ``GroupDefinition/validate()``.
    public init(_ revision: Hedgerow_Type_V1_GroupRevision) throws(UnreadableRevision) {
        var subscriptions: [Subscription] = []
        subscriptions.reserveCapacity(revision.subscriptions.count)
        for (index, subscription) in revision.subscriptions.enumerated() {
            subscriptions.append(
                Subscription(
                    from: try Self.end(subscription.from, path: "subscriptions[\(index)].from"),
                    topicFilter: subscription.topicFilter,
                    to: try Self.end(subscription.to, path: "subscriptions[\(index)].to"),
                    via: subscription.via.isEmpty ? nil : subscription.via))
        }
        var streams: [String: StreamSettings] = [:]
        for (index, stream) in revision.streams.enumerated() {
            let path = "streams[\(index)]"
            guard streams[stream.name] == nil else {
                throw UnreadableRevision(
                    path: path, message: "the stream \"\(stream.name)\" is described twice")
            }
            streams[stream.name] = try StreamSettings(stream, path: path)
        }
        self.init(
            name: revision.group, cores: revision.cores, things: revision.things,
            subscriptions: subscriptions,
            streams: streams)
    }

    private static func end(_ text: String, path: String) throws(UnreadableRevision) -> SubscriptionEnd {
        do {
            return try SubscriptionEnd(parsing: text)
        } catch {
            throw UnreadableRevision(path: path, message: "\(error)")
        }
    }
}

extension StreamSettings {
    fileprivate init(_ settings: Hedgerow_Type_V1_StreamSettings, path: String) throws(UnreadableRevision) {
        self.init()
        if settings.maxSizeBytes > 0 { maxSize = ByteSize(bytes: settings.maxSizeBytes) }
        if settings.priority > 0 { priority = Int(settings.priority) }
        switch settings.onFull {
        case .unspecified, .overwriteOldest: onFull = .overwriteOldest
        case .rejectNew: onFull = .rejectNew
        case .UNRECOGNIZED(let number):
            throw UnreadableRevision(
                path: "\(path).on_full",
                message: "policy \(number) is newer than this core; update hedgerow-core")
        }
    }
}
