public import Shadows

/// One change of a shadow, with the documents that those who follow are told. These are written when they are asked
/// for.
public struct ShadowStep: Sendable {
    /// What was stored; nil for nothing.
    public let before: StoredShadow?
    /// What is stored since.
    public let after: StoredShadow
    /// Of `update/accepted`, or of `delete/accepted`. Where the sync made the change: the whole document.
    public let acceptedText: String
    /// The token of the request.
    public let clientToken: String?

    /// Whether this deleted the shadow.
    public var isDeletion: Bool { after.isDeleted }

    /// Of `update/delta`; nil where desired and reported do not differ, and for a deletion.
    public var deltaText: String? { after.document?.deltaText(clientToken: clientToken) }

    /// Of `update/documents`: `previous` and `current`; nil for a deletion.
    public var documentsText: String? {
        guard let current = after.document else { return nil }
        let token = clientToken.map { "\"clientToken\":\(JSONValue.string($0).text)," } ?? ""
        let previous = before?.document.map(Self.text) ?? "null"
        return """
            {\(token)"current":\(Self.text(current)),"previous":\(previous),"timestamp":\(Self.seconds(after))}
            """
    }

    /// What is told of a change that no request made.
    static func acceptedText(ofSynced shadow: StoredShadow) -> String {
        guard let document = shadow.document else {
            return "{\"timestamp\":\(seconds(shadow)),\"version\":\(shadow.version)}"
        }
        return """
            {"metadata":\(document.metadataText),"state":\(document.stateText),"timestamp":\(seconds(shadow)),\
            "version":\(document.version)}
            """
    }

    private static func text(_ document: ShadowDocument) -> String {
        """
        {"metadata":\(document.metadataText),"state":\(document.stateText),"version":\(document.version)}
        """
    }

    /// Whole seconds since 1970, rounded down.
    private static func seconds(_ shadow: StoredShadow) -> Int64 {
        let (quotient, rest) = shadow.updateTime.quotientAndRemainder(dividingBy: 1_000_000)
        return rest < 0 ? quotient - 1 : quotient
    }
}
