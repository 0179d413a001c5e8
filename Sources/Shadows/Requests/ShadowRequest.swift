/// The payload of a `get` or `delete` on a reserved topic: nothing, or an object that may have a `clientToken` and,
/// for `delete`, a `version`.
public struct ShadowRequest: Hashable, Sendable {
    /// The version that the shadow has to have; nil for any.
    public let version: UInt64?
    /// Comes back in the answer.
    public let clientToken: String?

    /// Makes a request.
    public init(version: UInt64? = nil, clientToken: String? = nil) {
        self.version = version
        self.clientToken = clientToken
    }

    /// Parses a payload, which may be empty.
    ///
    /// - Throws: ``ShadowError`` with 400, 413 or 415.
    public init(parsing payload: some Sequence<UInt8>) throws(ShadowError) {
        let object = try Self.object(parsing: payload, limits: JSONLimits(bytes: 8_192, depth: 16)) ?? [:]
        clientToken = try Self.clientToken(object["clientToken"])
        version = try Self.version(object["version"], clientToken)
    }

    /// An object; nil for nothing at all.
    static func object(
        parsing payload: some Sequence<UInt8>, limits: JSONLimits, depth: Int? = nil
    ) throws(ShadowError) -> [String: JSONValue]? {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: payload, limits: limits)
        } catch {
            // Nothing, or only spaces, is no request document but no mistake either.
            if error.kind == .invalid, payload.allSatisfy({ $0 == 0x20 || 0x09...0x0D ~= $0 }) { return nil }
            throw refusal(of: error, depth: depth ?? limits.depth)
        }
        guard case .object(let object) = value else {
            throw ShadowError(.badRequest, "Invalid JSON: the document is no object")
        }
        return object
    }

    /// What a text that is no JSON is answered.
    static func refusal(of error: JSONError, depth: Int) -> ShadowError {
        switch error.kind {
        case .invalid: ShadowError(.badRequest, "Invalid JSON: \(error)")
        case .encoding:
            ShadowError(.unsupported, "Unsupported documented encoding; supported encoding is UTF-8")
        case .depth:
            ShadowError(.badRequest, "JSON contains too many levels of nesting; maximum is \(depth)")
        case .size: tooLarge
        }
    }

    static let tooLarge = ShadowError(.tooLarge, "The payload exceeds the maximum size allowed")

    static func clientToken(_ value: JSONValue?) throws(ShadowError) -> String? {
        guard let value else { return nil }
        guard case .string(let token) = value, token.utf8.count <= ShadowLimits.tokenBytes else {
            throw ShadowError(
                .badRequest, "Invalid clientToken: a text of at most \(ShadowLimits.tokenBytes) bytes is one")
        }
        return token
    }

    static func version(_ value: JSONValue?, _ clientToken: String?) throws(ShadowError) -> UInt64? {
        guard let value else { return nil }
        switch value {
        case .integer(let number) where number >= 0: return UInt64(number)
        case .number(let number):
            if let whole = UInt64(exactly: number) { return whole }
            fallthrough
        default:
            throw ShadowError(
                .badRequest, "Invalid version: a whole number from 0 on is one", clientToken: clientToken)
        }
    }
}
