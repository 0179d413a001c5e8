public import GRPCCore
import GRPCProtobuf
public import HedgerowAPI

/// The reason that every error of ours carries; see docs/reference/errors.md.
public typealias ErrorReason = Hedgerow_Type_V1_ErrorReason

/// An error as it goes over the wire: a gRPC code, one reason, one sentence that says what to do.
///
/// It becomes a `google.rpc.Status` with exactly one `ErrorInfo` (domain `hedgerow`), and `BadRequest` and
/// `RetryInfo` where they apply (https://google.aip.dev/193). It travels in trailers, of which a peer takes 16 KiB and
/// no more: long texts are cut on the wire, and violations that do not fit are left out, the last ones first.
public struct HedgerowError: Error, RPCErrorConvertible, Sendable, CustomStringConvertible {
    /// One wrong field of a request.
    public struct Violation: Hashable, Sendable {
        /// Where: a field path, or `line:column`.
        public let field: String
        /// What is wrong there and what is allowed.
        public let description: String

        /// Makes a violation.
        public init(field: String, description: String) {
            self.field = field
            self.description = description
        }
    }

    /// The domain of our `ErrorInfo`s.
    public static let domain = "hedgerow"

    /// The gRPC code.
    public let code: RPCError.Code
    /// Why, for programs.
    public let reason: ErrorReason
    /// Why and what to do, for people.
    public let message: String
    /// Further facts for programs.
    public let details: [String: String]
    /// When to try again, where that helps.
    public let retryAfter: Duration?
    /// The wrong fields, where there are any.
    public let violations: [Violation]
    /// What caused it; stays on this side of the wire.
    public let cause: (any Error)?

    /// Makes an error.
    public init(
        _ code: RPCError.Code, _ reason: ErrorReason, _ message: String, details: [String: String] = [:],
        retryAfter: Duration? = nil, violations: [Violation] = [], cause: (any Error)? = nil
    ) {
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.retryAfter = retryAfter
        self.violations = violations
        self.cause = cause
    }

    /// Reads an error of ours back from what a call threw; nil where it is none of ours.
    public init?(_ error: RPCError) {
        guard let status = try? error.unpackGoogleRPCStatus() else { return nil }
        let infos = status.details.compactMap(\.errorInfo)
        guard let info = infos.first(where: { $0.domain == Self.domain }) else { return nil }
        self.code = error.code
        self.reason = ErrorReason(wireName: info.reason)
        self.message = status.message
        self.details = info.metadata
        self.retryAfter = status.details.compactMap(\.retryInfo).first?.delay
        self.violations = status.details.compactMap(\.badRequest).flatMap { request in
            request.violations.map { Violation(field: $0.field, description: $0.violationDescription) }
        }
        self.cause = error
    }

    /// The code.
    public var rpcErrorCode: RPCError.Code { code }
    /// The sentence for people.
    public var rpcErrorMessage: String { message.cut(toBytes: Self.maximumMessageBytes) }
    /// What caused it.
    public var rpcErrorCause: (any Error)? { cause }

    /// The `google.rpc.Status` in its trailer.
    public var rpcErrorMetadata: Metadata { status.rpcErrorMetadata }

    /// Code, reason and sentence.
    public var description: String { "\(reason.wireName): \(message)" }

    // The trailers hold the message twice, once in base64 and once with each unusual byte written as three; together
    // with the violations in base64 this stays below 14 KiB.
    private static let maximumMessageBytes = 2_000
    private static let maximumViolationBytes = 1_500
    private static let maximumViolationsBytes = 4_500

    /// As many of the violations as fit into the trailers.
    private var violationsThatFit: [Violation] {
        var room = Self.maximumViolationsBytes
        var fitting: [Violation] = []
        for violation in violations {
            let short = Violation(
                field: violation.field.cut(toBytes: Self.maximumViolationBytes),
                description: violation.description.cut(toBytes: Self.maximumViolationBytes))
            // Tags and lengths of the encoded form are less than 16 bytes.
            room -= short.field.utf8.count + short.description.utf8.count + 16
            if room < 0 { break }
            fitting.append(short)
        }
        return fitting
    }

    private var status: GoogleRPCStatus {
        var list: [ErrorDetails] = [
            .errorInfo(reason: reason.wireName, domain: Self.domain, metadata: details)
        ]
        if !violations.isEmpty {
            list.append(
                .badRequest(
                    violations: violationsThatFit.map {
                        ErrorDetails.BadRequest.FieldViolation(field: $0.field, description: $0.description)
                    }))
        }
        if let retryAfter { list.append(.retryInfo(delay: retryAfter)) }
        return GoogleRPCStatus(code: code, message: rpcErrorMessage, details: list)
    }
}

extension String {
    /// At most so many bytes of UTF-8 of the beginning; an ellipsis at the end says that there was more.
    fileprivate func cut(toBytes maximum: Int) -> String {
        if utf8.count <= maximum { return self }
        var end = utf8.index(startIndex, offsetBy: maximum - "…".utf8.count)
        while end > startIndex, end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return String(self[..<end]) + "…"
    }
}

extension Hedgerow_Type_V1_ErrorReason {
    /// The reason as an `ErrorInfo` says it: upper snake case, without the enum's prefix.
    public var wireName: String {
        if case .UNRECOGNIZED = self { return "UNSPECIFIED" }
        return String(describing: self).reduce(into: "") { name, character in
            if character.isUppercase { name.append("_") }
            name.append(contentsOf: character.uppercased())
        }
    }

    /// Reads a reason; one that this version does not know is `unspecified`.
    public init(wireName: String) {
        self = Self.allCases.first { $0.wireName == wireName } ?? .unspecified
    }
}
