public import FoundationEssentials
import HedgerowAPI
import RPCSupport
public import Shadows
import SwiftProtobuf

/// The document of a shadow as it is.
public struct ThingShadowState: Sendable {
    /// What is desired of the thing.
    public let desired: [String: ShadowValue]
    /// What it reported.
    public let reported: [String: ShadowValue]
    /// What is desired and not reported so.
    public let delta: [String: ShadowValue]
    /// Its version.
    public let version: UInt64
    /// When it was changed last; nil where the server does not say.
    public let updateTime: Date?

    init(_ reply: Hedgerow_Shadow_V1_GetShadowResponse) throws(ThingError) {
        let document = try ShadowValue.document(reply.document)
        let state = document.member("state")
        desired = state.member("desired").members
        reported = state.member("reported").members
        delta = state.member("delta").members
        version = reply.version
        updateTime =
            reply.hasUpdateTime
            ? Date(
                timeIntervalSince1970: Double(reply.updateTime.seconds) + Double(reply.updateTime.nanos)
                    / 1_000_000_000)
            : nil
    }
}

extension Shadows.JSONValue {
    /// Reads a document that a server sent.
    static func document(_ text: String) throws(ThingError) -> ShadowValue {
        if text.isEmpty { return .object([:]) }
        guard let value = try? ShadowValue(parsing: text.utf8) else {
            throw ThingError.shadowRefused(
                reason: .internal,
                detail: "The server sent a document that is no JSON; report this as its fault.")
        }
        return value
    }

    /// A member of an object; null where there is none.
    func member(_ name: String) -> ShadowValue { members[name] ?? .null }

    /// The members of an object; none where it is none.
    var members: [String: ShadowValue] {
        if case .object(let members) = self { members } else { [:] }
    }
}
