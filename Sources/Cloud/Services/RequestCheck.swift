import Identity
import RPCSupport

/// Collects what is wrong with a request, everything at once.
struct RequestCheck {
    /// Most violations that one answer lists.
    static let maximumViolations = 100

    private(set) var violations: [HedgerowError.Violation] = []

    init() {}

    /// Reports a field unless a condition holds.
    mutating func require(_ holds: Bool, _ field: String, _ description: @autoclosure () -> String) {
        if !holds, violations.count < Self.maximumViolations {
            violations.append(.init(field: field, description: description()))
        }
    }

    /// Checks a name by ``EntityName``.
    mutating func name(_ name: String, _ field: String) {
        do throws(InvalidName) { try EntityName.validate(name) } catch {
            require(false, field, "is not a name: \(error.description)")
        }
    }

    /// Checks a request id: at most 64 bytes; it may be left out, and then nothing is idempotent.
    mutating func requestID(_ id: String) {
        require(id.utf8.count <= 64, "request_id", "has \(id.utf8.count) bytes; at most 64 are allowed")
    }

    /// Throws where something was wrong.
    ///
    /// - Throws: `HedgerowError` INVALID_ARGUMENT `INVALID_FIELD`.
    func finish() throws(HedgerowError) {
        if !violations.isEmpty { throw HedgerowError(violations: violations) }
    }
}
