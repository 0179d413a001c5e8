/// Why a request for a shadow was refused, with the codes of the reserved topics.
public struct ShadowError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Kinds of refusals.
    public enum Code: Hashable, Sendable, CaseIterable {
        /// 400: the request is malformed.
        case badRequest
        /// 400: the condition is no CEL expression with a truth value.
        case invalidExpression
        /// 403: not the caller's.
        case forbidden
        /// 404: there is no such shadow.
        case notFound
        /// 409: the shadow has another version than the request says.
        case conflict
        /// 409: the request's condition is not true.
        case conditionFalse
        /// 413: the document would be too large.
        case tooLarge
        /// 415: not UTF-8.
        case unsupported
        /// 429: too many requests at once.
        case tooManyRequests

        /// The number on the reserved topics.
        public var status: Int {
            switch self {
            case .badRequest, .invalidExpression: 400
            case .forbidden: 403
            case .notFound: 404
            case .conflict, .conditionFalse: 409
            case .tooLarge: 413
            case .unsupported: 415
            case .tooManyRequests: 429
            }
        }
    }

    /// What kind.
    public let code: Code
    /// What is wrong, for people.
    public let message: String
    /// The token of the request, where it could be read.
    public var clientToken: String?

    /// Makes an error.
    public init(_ code: Code, _ message: String, clientToken: String? = nil) {
        self.code = code
        self.message = message
        self.clientToken = clientToken
    }

    /// 404 for a shadow.
    public static func noShadow(_ key: ShadowKey?, clientToken: String? = nil) -> ShadowError {
        ShadowError(
            .notFound, "No shadow exists with name: '\(key?.description ?? "")'", clientToken: clientToken)
    }

    /// What the topic `rejected` carries: `{"clientToken", "code", "message", "timestamp"}`.
    ///
    /// - Parameter now: Microseconds since 1970.
    public func rejectedText(now: Int64) -> String {
        var writer = JSONWriter()
        writer.byte(UInt8(ascii: "{"))
        if let clientToken {
            writer.name("clientToken")
            writer.write(clientToken)
            writer.byte(UInt8(ascii: ","))
        }
        writer.name("code")
        writer.write(code.status)
        writer.raw(",")
        writer.name("message")
        writer.write(message)
        writer.raw(",")
        writer.name("timestamp")
        writer.write(ShadowTime.seconds(now))
        writer.byte(UInt8(ascii: "}"))
        return writer.text
    }

    /// The message.
    public var description: String { message }
}
