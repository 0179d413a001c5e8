/// An accepted request: what the shadow was and is, and the documents to answer and to publish. These are written
/// when they are asked for.
public struct ShadowChange: Sendable {
    /// What was stored; nil for nothing.
    public let before: StoredShadow?
    /// What is to be stored.
    public let after: StoredShadow
    /// The update; nil where it was a deletion.
    let update: ShadowUpdate?
    private let clientToken: String?
    private let now: Int64

    init(
        before: StoredShadow?, after: StoredShadow, update: ShadowUpdate?, clientToken: String?, now: Int64
    ) {
        self.before = before
        self.after = after
        self.update = update
        self.clientToken = clientToken
        self.now = now
    }

    /// Of `update/accepted`: the fields of the request with their metadata, `version`, `timestamp`, `clientToken`.
    /// Of `delete/accepted`: the last version that the document had, `timestamp`, `clientToken`.
    public var acceptedText: String {
        var writer = JSONWriter(capacity: 512)
        writer.begin(clientToken)
        guard let update else {
            writer.name("timestamp")
            writer.write(ShadowTime.seconds(now))
            writer.raw(",\"version\":")
            writer.write(before?.version ?? after.version)
            writer.byte(UInt8(ascii: "}"))
            return writer.text
        }
        writer.name("metadata")
        writer.write(
            ShadowMetadata(desired: times(update.desired), reported: times(update.reported)))
        writer.raw(",\"state\":")
        if update.clearsAll {
            writer.raw("null")
        } else {
            var state: [String: JSONValue] = [:]
            if let desired = Self.echo(update.desired) { state["desired"] = desired }
            if let reported = Self.echo(update.reported) { state["reported"] = reported }
            writer.write(.object(state))
        }
        writer.end(time: now, version: after.version)
        return writer.text
    }

    /// Of `update/documents`: `previous` and `current` with their `state`, `metadata` and `version`, `timestamp`,
    /// `clientToken`; `previous` is null where there was nothing. Nil for a deletion.
    public var documentsText: String? {
        guard let current = after.document else { return nil }
        var writer = JSONWriter(capacity: 2_048)
        writer.begin(clientToken)
        writer.name("current")
        Self.write(current, to: &writer)
        writer.raw(",\"previous\":")
        if let previous = before?.document {
            Self.write(previous, to: &writer)
        } else {
            writer.raw("null")
        }
        writer.raw(",\"timestamp\":")
        writer.write(ShadowTime.seconds(now))
        writer.byte(UInt8(ascii: "}"))
        return writer.text
    }

    /// Of `update/delta`: all that differs now, with the metadata of `desired`. Nil where nothing does, and for a
    /// deletion.
    public var deltaText: String? { after.document?.deltaText(clientToken: clientToken, now: now) }

    private func times(_ section: ShadowUpdate.Section) -> [String: ShadowMetadata.Node] {
        guard case .patched(let patch) = section else { return [:] }
        return ShadowMetadata.Node.stamp(patch: patch, ShadowTime.seconds(now))
    }

    private static func echo(_ section: ShadowUpdate.Section) -> JSONValue? {
        switch section {
        case .untouched: nil
        case .cleared: .null
        case .patched(let patch): .object(patch)
        }
    }

    private static func write(_ document: ShadowDocument, to writer: inout JSONWriter) {
        writer.raw("{\"metadata\":")
        writer.write(document.metadata)
        writer.raw(",\"state\":")
        writer.write(document.state)
        writer.raw(",\"version\":")
        writer.write(document.version)
        writer.byte(UInt8(ascii: "}"))
    }
}

extension ShadowDocument {
    /// What `update/delta` carries: `{"clientToken", "metadata", "state", "timestamp", "version"}`; nil where
    /// nothing differs.
    ///
    /// - Parameters:
    ///   - clientToken: The token of the update; nil, the default, for none.
    ///   - now: The time of the message in microseconds since 1970; by default that of the last change.
    public func deltaText(clientToken: String? = nil, now: Int64? = nil) -> String? {
        let delta = deltaState
        if delta.isEmpty { return nil }
        var writer = JSONWriter(capacity: 512)
        writer.begin(clientToken)
        writer.name("metadata")
        writer.write(deltaTimes(of: delta))
        writer.raw(",\"state\":")
        writer.write(.object(delta))
        writer.end(time: now ?? updateTime, version: version)
        return writer.text
    }
}
