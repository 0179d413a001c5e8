import Components
import GRPCCore
import HedgerowAPI
import PKI
import RPCSupport

/// What the stores refuse, as it goes over the wire.
extension StoreError: RPCErrorConvertible {
    /// The error with its one reason.
    var wire: HedgerowError {
        switch self {
        case .alreadyExists(let text):
            HedgerowError(.alreadyExists, .alreadyExists, text, cause: self)
        case .notFound(let text):
            HedgerowError(.notFound, .notFound, text, cause: self)
        case .inUse(let text):
            HedgerowError(.failedPrecondition, .inUse, text, cause: self)
        case .deploymentOver(let text):
            HedgerowError(.failedPrecondition, .deploymentOver, text, cause: self)
        case .requestIDReused:
            HedgerowError(
                .invalidArgument, .invalidField,
                "the request_id was used for another request; choose a new one",
                violations: [.init(field: "request_id", description: "was used for another request")],
                cause: self)
        case .invalidMembers(let problems):
            HedgerowError(
                .invalidArgument, .invalidDefinition, Self.summary(problems),
                violations: problems.map { .init(field: $0.path, description: $0.message) }, cause: self)
        case .invalidFields(let problems):
            HedgerowError(
                violations: problems.map { .init(field: $0.path, description: $0.message) })
        case .tooManyAuthorities(let count):
            HedgerowError(
                .resourceExhausted, .tooManyCalls,
                "the group has \(count) certificate authorities that are still in use; wait until certificates of "
                    + "the oldest have expired", retryAfter: .hours(24), cause: self)
        case .limitReached(let text):
            HedgerowError(.resourceExhausted, .queueFull, text, cause: self)
        case .missingArtifacts(let missing):
            Self.missing(missing, cause: self)
        case .secretsUnreadable(let text):
            HedgerowError(.failedPrecondition, .secretsUnreadable, text, cause: self)
        case .storageFailed:
            HedgerowError(
                .unavailable, .storageFailed,
                "the cloud's disk failed or is full; nothing was changed, try again",
                retryAfter: .seconds(5), cause: self)
        }
    }

    /// Names each artifact that is not there, and what uploads it.
    private static func missing(_ missing: [ArtifactReference], cause: StoreError) -> HedgerowError {
        let lines = missing.prefix(RequestCheck.maximumViolations).map { artifact in
            "artifact \"\(artifact.name)\" (SHA-256 \(ArtifactDigest.text(artifact.digest)), \(artifact.size) bytes) is not in "
                + "the cloud; upload it (hedgerow artifacts push \(artifact.name)) and push the component again"
        }
        return HedgerowError(
            .failedPrecondition, .missingArtifact, lines.joined(separator: "\n"),
            violations: zip(missing, lines).map {
                .init(field: "artifacts[\"\($0.name)\"]", description: $1)
            },
            cause: cause)
    }

    private static func summary(_ problems: [DefinitionProblem]) -> String {
        let first = problems.first.map { "\($0.path): \($0.message)" } ?? "the definition has errors"
        return problems.count > 1 ? "\(first) (and \(problems.count - 1) more errors)" : first
    }

    var rpcErrorCode: RPCError.Code { wire.rpcErrorCode }
    var rpcErrorMessage: String { wire.rpcErrorMessage }
    var rpcErrorMetadata: Metadata { wire.rpcErrorMetadata }
    var rpcErrorCause: (any Error)? { self }
}

extension HedgerowError {
    /// A signing request that cannot be used, or a name in it.
    init(signing error: PKIError) {
        switch error.kind {
        case .badSigningRequest, .badName:
            self.init(.invalidArgument, .badSigningRequest, error.description, cause: error)
        case .badPEM, .keyMismatch, .authorityUnusable:
            self.init(
                .internalError, .internal, "the cloud cannot sign now; its log says why", cause: error)
        }
    }

    /// Requests with wrong fields.
    init(violations: [Violation]) {
        let first = violations.first.map { "\($0.field) \($0.description)" } ?? "the request is not valid"
        let rest = violations.count > 1 ? " (and \(violations.count - 1) more errors)" : ""
        self.init(.invalidArgument, .invalidField, first + rest, violations: violations)
    }
}
