/// Counts errors until there are too many: three in one state without an hour of calm (semantics, section 5).
struct ErrorCount: Sendable {
    /// Errors in one state that break a program.
    static let maximum = 3
    /// So long without any error, and all are forgotten.
    static let calm: Duration = .seconds(3_600)

    private var counts: [ProgramState: Int] = [:]
    private var last: Duration?

    /// All that count now.
    var total: Int { counts.values.reduce(0, +) }

    /// Counts one; returns whether it was one too many, and whether it came after an hour of calm.
    mutating func add(_ state: ProgramState, at now: Duration) -> (isBroken: Bool, isFirst: Bool) {
        if let last, now - last >= Self.calm { reset() }
        last = now
        counts[state, default: 0] += 1
        return (counts[state, default: 0] >= Self.maximum, total == 1)
    }

    /// Forgets all.
    mutating func reset() {
        counts = [:]
        last = nil
    }
}
