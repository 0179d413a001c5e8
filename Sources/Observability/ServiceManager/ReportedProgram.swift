/// What a service manager is told about a program.
public struct ReportedProgram: Sendable {
    /// Waits until the program does what it is for, or waits for something that the manager cannot help with, such as
    /// a network; returns without a result. Throws where that will not come.
    public let ready: @Sendable () async throws -> Void
    /// What the program does now, one line for people.
    public let status: @Sendable () -> String
    /// What must answer now for the program to count as alive. Asked before every round.
    public let proofs: @Sendable () -> [ProofOfLife]

    /// Makes a description.
    public init(
        ready: @escaping @Sendable () async throws -> Void, status: @escaping @Sendable () -> String,
        proofs: @escaping @Sendable () -> [ProofOfLife]
    ) {
        self.ready = ready
        self.status = status
        self.proofs = proofs
    }
}
