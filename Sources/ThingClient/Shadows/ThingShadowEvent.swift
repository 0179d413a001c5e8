import HedgerowAPI
public import Shadows

/// Something that happened to a shadow.
public struct ThingShadowEvent: Sendable {
    /// What happened; the names of the reserved topics.
    public enum Kind: String, CaseIterable, Sendable {
        /// The document as it is: at the beginning, after ``skipped``, and after a change of server.
        case current
        /// An update was accepted: what was asked for.
        case accepted
        /// A request was rejected: `code` and `message`.
        case rejected
        /// Desired and reported differ.
        case delta
        /// The document before and after an update: `previous` and `current`.
        case documents
        /// The shadow was deleted.
        case deleted
        /// Some events are not kept any more; ``current`` follows.
        case skipped
    }

    /// Name of the shadow; empty for the classic one.
    public let name: String
    /// What happened.
    public let kind: Kind
    /// The version after it; 0 for ``Kind/rejected``.
    public let version: UInt64
    /// The document of the kind.
    public let document: ShadowValue
    /// Where it comes from: the core's name, `cloud` for the cloud.
    public let core: String

    /// What is desired and not reported so, of ``Kind/delta``, ``Kind/current`` and ``Kind/documents``; empty otherwise.
    public var delta: [String: ShadowValue] {
        switch kind {
        case .delta: document.member("state").members
        case .current: document.member("state").member("delta").members
        case .documents: document.member("current").member("state").member("delta").members
        case .accepted, .rejected, .deleted, .skipped: [:]
        }
    }

    /// Nil where it is no event, or one that this version does not know.
    init?(_ message: Hedgerow_Shadow_V1_WatchShadowResponse, core: String) throws(ThingError) {
        guard let kind = Kind(message.kind) else { return nil }
        self.kind = kind
        name = message.name
        version = message.version
        document = try ShadowValue.document(message.document)
        self.core = core
    }
}

extension ThingShadowEvent.Kind {
    fileprivate init?(_ kind: Hedgerow_Shadow_V1_ShadowEventKind) {
        switch kind {
        case .current: self = .current
        case .accepted: self = .accepted
        case .rejected: self = .rejected
        case .delta: self = .delta
        case .documents: self = .documents
        case .deleted: self = .deleted
        case .skipped: self = .skipped
        case .unspecified, .UNRECOGNIZED: return nil
        }
    }

    var wire: Hedgerow_Shadow_V1_ShadowEventKind {
        switch self {
        case .current: .current
        case .accepted: .accepted
        case .rejected: .rejected
        case .delta: .delta
        case .documents: .documents
        case .deleted: .deleted
        case .skipped: .skipped
        }
    }
}
