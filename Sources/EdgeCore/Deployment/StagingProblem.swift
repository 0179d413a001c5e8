/// Why a revision cannot be switched to, one sentence for people. Nothing was changed.
struct StagingProblem: Error, Hashable, Sendable, CustomStringConvertible {
    let description: String
}
