/// The exit codes of `hedgerow`, stable and documented in docs/cli.md.
public enum ProgramStatus: Int32, CaseIterable, Hashable, Sendable {
    /// It did what was asked.
    case success = 0
    /// It failed in a way that no other code names.
    case failure = 1
    /// The command line, a file given on it or a value in it was wrong; nothing was done.
    case wrongUse = 2
    /// What was named does not exist.
    case notFound = 3
    /// The cloud refused: no identity, not this role's business, not routed, not accepted.
    case refused = 4
    /// The cloud cannot be reached, or did not answer in time.
    case unreachable = 5
    /// A deployment ended without success on at least one core.
    case deploymentFailed = 6
    /// Messages were lost or are missing (`ledger --check`, the demo).
    case dataLost = 7
    /// What was waited for did not happen in the time allowed; it may still happen.
    case timedOut = 8
}
