import HedgerowAPI
import PKI
import RPCSupport

/// An error as the command line says it: one sentence with a hint, and an exit code.
struct CLIError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The exit code.
    let status: ProgramStatus
    /// The lines to print, each a sentence; one, but for a file with several errors.
    let lines: [String]

    /// Makes an error.
    ///
    /// - Parameters:
    ///   - message: what went wrong, without a full stop.
    ///   - hint: what to do, where that is known.
    init(_ status: ProgramStatus, _ message: String, hint: String? = nil) {
        self.init(status, lines: [hint.map { "\(message); \($0)" } ?? message])
    }

    /// Makes an error of several lines.
    init(_ status: ProgramStatus, lines: [String]) {
        self.status = status
        self.lines = lines
    }

    /// Writes a line to standard error after the program's name. What follows a line break in it (the place in
    /// a file with a caret below it) gets lines of its own.
    static func note(_ line: String, _ io: CommandIO = .current) {
        for (index, part) in line.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            io.note((index == 0 ? "hedgerow: " : "") + Text.printable(String(part)))
        }
    }

    /// The lines.
    var description: String { lines.joined(separator: "\n") }
}

extension CLIError {
    /// Reads what a call to the cloud ended with.
    init(_ error: CallerError) {
        self.init(Self.status(of: error.kind), error.message, hint: error.hint ?? Self.hint(for: error.kind))
    }

    /// Reads what an identity or token file failed with.
    init(_ error: IdentityFileError) {
        self.init(error.kind == .absent ? .notFound : .failure, error.description)
    }

    private static func status(of kind: CallerError.Kind) -> ProgramStatus {
        switch kind {
        case .unreachable, .timedOut: .unreachable
        case .serverNotTrusted, .identityNotAccepted: .refused
        case .answered(let reason): status(of: reason)
        case .cancelled, .other: .failure
        }
    }

    /// The exit code of each reason that the cloud may give.
    static func status(of reason: ErrorReason) -> ProgramStatus {
        switch reason {
        case .notFound, .membershipNotDeployed, .notDeployed, .shadowNotFound: .notFound
        case .noIdentity, .roleNotAllowed, .notYourResource, .revoked, .notInGroup, .tokenNotAccepted,
            .originNotAllowed, .noRoute, .topicNotAllowed:
            .refused
        case .invalidField, .invalidDefinition, .badSigningRequest, .badPageToken, .malformedMessage,
            .messageTooLarge, .invalidRecipe, .artifactMismatch, .invalidShadowDocument, .invalidExpression,
            .shadowTooLarge:
            .wrongUse
        case .shuttingDown, .coreAway: .unreachable
        case .unspecified, .alreadyExists, .sequenceGap, .sessionSuperseded, .queueFull, .tooManyCalls,
            .rateLimited,
            .inUse, .deploymentOver, .unresolvedComponent, .missingArtifact, .quotaExceeded,
            .handlerOverdue, .secretsUnreadable, .shadowVersionConflict, .shadowConditionFalse,
            .tooManyRequests, .shadowAtHomeCore, .storageFailed, .internal, .UNRECOGNIZED:
            .failure
        }
    }

    private static func hint(for kind: CallerError.Kind) -> String? {
        switch kind {
        case .answered(.noIdentity), .answered(.revoked):
            "enrol again with a new token: hedgerow init --force FILE"
        case .answered(.roleNotAllowed): "this needs the identity of an operator"
        case .answered(.shuttingDown): "try again in a moment"
        default: nil
        }
    }
}
