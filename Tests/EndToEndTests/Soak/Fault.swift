/// One thing that goes wrong in a soak, from when to when.
struct Fault: Hashable, Sendable, CustomStringConvertible {
    /// What can go wrong.
    enum Kind: String, CaseIterable, Hashable, Sendable {
        /// SIGKILL; started again at the end.
        case kill
        /// SIGSTOP; SIGCONT at the end.
        case stop
        /// Every connection of a line is reset, at the beginning.
        case cut
        /// Every connection of a line dies without a sign, at the beginning; new ones pass.
        case halfOpen = "half-open"
        /// What is sent on a line vanishes.
        case blackHole = "black hole"
        /// A line takes no new connections, and the old ones are reset.
        case refuse
        /// Everything on a line arrives later.
        case delay
        /// Little passes on a line.
        case throttle
        /// The disk of a core is full to the last byte.
        case fullDisk = "full disk"
        /// The wall clock of a process is wrong.
        case clockJump = "clock jump"
        /// Every fsync of a process fails.
        case failingSyncs = "failing fsync"
        /// SIGKILL to everything at once, as when the power goes.
        case restartAll = "restart of all"
    }

    /// What goes wrong.
    let kind: Kind
    /// With whom: a process, or a line.
    let target: String
    /// When it begins, after the beginning of its round, in milliseconds.
    let start: Int
    /// How long it lasts, in milliseconds.
    let length: Int
    /// Milliseconds of a delay, bytes per second of a throttle, seconds of a jump; else 0.
    let amount: Int

    /// When it is over.
    var end: Int { start + length }

    var description: String {
        let what =
            switch kind {
            case .delay: "\(kind.rawValue) of \(amount) ms"
            case .throttle: "\(kind.rawValue) to \(amount) B/s"
            case .clockJump: "\(kind.rawValue) of \(amount) s"
            default: kind.rawValue
            }
        return "\(what): \(target), \(Self.seconds(start)) to \(Self.seconds(end))"
    }

    private static func seconds(_ milliseconds: Int) -> String {
        "\(milliseconds / 1_000).\(milliseconds % 1_000 / 100) s"
    }
}
