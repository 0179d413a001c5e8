import Components
import GRPCCore
import HedgerowAPI
import Manifests
import RPCSupport

extension HedgerowError {
    /// What is wrong with a document that was sent, at `line:column` each.
    ///
    /// - Parameter what: what the document is: `recipe`.
    init(_ reason: ErrorReason, _ errors: ManifestErrors, what: String) {
        self.init(reason, what: what, errors.errors.map(Self.located))
    }

    /// What is wrong with a definition, at `line:column` in the document that was sent, or at the definition's
    /// paths where it was stored before.
    init(_ problems: [DefinitionProblem], in manifest: GroupManifest?) {
        self.init(.invalidDefinition, what: "definition", Self.located(problems, in: manifest))
    }

    /// Problems of a definition as violations.
    static func violations(_ problems: [DefinitionProblem], in manifest: GroupManifest?) -> [Violation] {
        located(problems, in: manifest).prefix(RequestCheck.maximumViolations).map(\.violation)
    }

    private static func located(_ error: ManifestError) -> (place: String, violation: Violation) {
        (
            "line \(error.line), column \(error.column)",
            Violation(field: "\(error.line):\(error.column)", description: error.message)
        )
    }

    private static func located(
        _ problems: [DefinitionProblem], in manifest: GroupManifest?
    ) -> [(place: String, violation: Violation)] {
        if let manifest { return manifest.locate(problems).map(located) }
        return problems.map { ($0.path, Violation(field: $0.path, description: $0.message)) }
    }

    private init(_ reason: ErrorReason, what: String, _ problems: [(place: String, violation: Violation)]) {
        let first = problems.first.map { "\($0.place): \($0.violation.description)" }
        let rest = problems.count > 1 ? " (and \(problems.count - 1) more errors)" : ""
        self.init(
            .invalidArgument, reason, (first ?? "the \(what) has errors") + rest,
            violations: problems.prefix(RequestCheck.maximumViolations).map(\.violation))
    }
}
