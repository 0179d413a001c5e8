/// Why a row fails, without the step.
struct RowFault: Error {
    let reason: String

    init(_ reason: String) { self.reason = reason }
}
