/// When a program's sign of life is due and whether it may be given: the rules alone, without clock or engine.
///
/// Proofs are asked for one round after the other. A round that ends within ``period`` gives a sign of life; one that
/// takes longer gives none, however it ends. While a round is late, it is said once that the engine hangs.
struct Watchdog: Hashable, Sendable {
    /// What is to be done.
    enum Action: Hashable, Sendable {
        /// Tell the service manager that the engine is alive; `recovered` where it was said to hang before.
        case beat(recovered: Bool)
        /// Say that a part of the engine does not answer.
        case reportHang(part: String)
    }

    /// How often a round begins, and how long one may take: half of what the service manager waits.
    let period: Duration
    /// How long a round may take before it is said that the engine hangs: less than ``period``, so that this is said
    /// before the service manager loses patience.
    let patience: Duration

    /// How long after a round without an answer the next one begins: a twelfth of what the service manager waits.
    let retry: Duration

    private var begin: Duration?
    private var part = ""
    private(set) var hangs = false

    /// Makes the rules for a manager that waits so long.
    init(timeout: Duration) {
        period = timeout / 2
        patience = timeout * 3 / 8
        retry = timeout / 12
    }

    /// A round begins.
    ///
    /// - Parameter time: on a clock that only goes forward.
    mutating func beginRound(at time: Duration) { begin = time }

    /// The round has come to a part.
    mutating func come(to part: String) { self.part = part }

    /// The round has ended: every part has answered, or one of them has said that it will not.
    ///
    /// - Returns: what to do, and when the next round is to begin.
    mutating func endRound(at time: Duration, answered: Bool) -> (action: Action?, next: Duration) {
        guard let begin else { return (nil, time) }
        self.begin = nil
        // Where a part has given up on an answer it is asked again soon: one that is late once is no reason to be killed.
        let next = answered ? max(time, begin + period) : time + retry
        guard answered, time - begin <= period else { return (hang(), next) }
        defer { hangs = false }
        return (.beat(recovered: hangs), next)
    }

    /// Looks whether the round that is under way is late.
    mutating func look(at time: Duration) -> Action? {
        guard let begin, time - begin > patience else { return nil }
        return hang()
    }

    private mutating func hang() -> Action? {
        guard !hangs else { return nil }
        hangs = true
        return .reportHang(part: part)
    }
}
