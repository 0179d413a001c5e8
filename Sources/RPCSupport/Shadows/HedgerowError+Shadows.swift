import GRPCCore
import HedgerowAPI
public import Shadows

extension HedgerowError {
    /// What a request for a shadow is refused with, as it goes over the wire.
    public init(_ error: ShadowError) {
        switch error.code {
        case .badRequest, .unsupported:
            self.init(.invalidArgument, .invalidShadowDocument, error.message, cause: error)
        case .invalidExpression:
            self.init(.invalidArgument, .invalidExpression, error.message, cause: error)
        case .forbidden:
            self.init(.permissionDenied, .notYourResource, error.message, cause: error)
        case .notFound:
            self.init(.notFound, .shadowNotFound, error.message, cause: error)
        case .conflict:
            self.init(.aborted, .shadowVersionConflict, error.message, cause: error)
        case .conditionFalse:
            self.init(.aborted, .shadowConditionFalse, error.message, cause: error)
        case .tooLarge:
            self.init(.resourceExhausted, .shadowTooLarge, error.message, cause: error)
        case .tooManyRequests:
            self.init(
                .resourceExhausted, .tooManyRequests, error.message, retryAfter: .milliseconds(100),
                cause: error)
        }
    }

    /// RESOURCE_EXHAUSTED `TOO_MANY_REQUESTS`.
    public static var tooManyShadowRequests: HedgerowError {
        HedgerowError(
            .resourceExhausted, .tooManyRequests,
            "\(ShadowRequestGate.maximumPerConnection) requests of this connection are being answered, the most at a time; "
                + "wait for one", retryAfter: .milliseconds(100))
    }

    /// FAILED_PRECONDITION `SHADOW_AT_HOME_CORE`.
    ///
    /// - Parameter core: Name of the core that serves the thing's shadows.
    public static func shadowAtHomeCore(_ core: String, thing: String) -> HedgerowError {
        HedgerowError(
            .failedPrecondition, .shadowAtHomeCore,
            "the shadows of \"\(thing)\" are at core \"\(core)\"; ask that core, or the cloud",
            details: ["core": core])
    }

    /// INVALID_ARGUMENT `INVALID_FIELD` for one field.
    static func shadowField(_ field: String, _ problem: String) -> HedgerowError {
        HedgerowError(
            .invalidArgument, .invalidField, "\(field) \(problem)",
            violations: [.init(field: field, description: problem)])
    }
}
