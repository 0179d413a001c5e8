/// Decides which failed samples are worth a line: each reason once, again after a minute, and the end of it.
struct FailureLog {
    /// How long a reason that was said is not said again.
    static let silence: Duration = .seconds(60)
    /// Most reasons that are remembered.
    private static let mostReasons = 16

    private var said: [String: ContinuousClock.Instant] = [:]
    private var failed = 0
    /// Whether a failure since the last reading was said, so that its end is said too.
    private var isOpen = false

    /// The line to write for a sample.
    ///
    /// - Parameters:
    ///   - failure: Why it could not be taken; nil where it was.
    ///   - now: When.
    /// - Returns: Nil where nothing is to be said.
    mutating func line(for failure: String?, at now: ContinuousClock.Instant) -> String? {
        guard let failure else {
            defer {
                failed = 0
                isOpen = false
            }
            return isOpen
                ? "The sensor gives readings again, after \(failed) failed sample\(failed == 1 ? "" : "s")."
                : nil
        }
        failed += 1
        if let last = said[failure], now - last < Self.silence { return nil }
        if said.count >= Self.mostReasons { said = [:] }
        said[failure] = now
        isOpen = true
        return "No reading: \(failure)" + (failed > 1 ? " (\(failed) failed samples so far)" : "")
    }
}
