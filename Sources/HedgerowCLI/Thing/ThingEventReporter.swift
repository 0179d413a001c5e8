import Synchronization
import ThingClient

/// Says on standard error what happens to the connection. The same sentence in a row is said once.
final class ThingEventReporter: Sendable {
    private let quiet: Bool
    private let write: @Sendable (String) -> Void
    private let last = Mutex("")

    init(quiet: Bool, write: @escaping @Sendable (String) -> Void) {
        self.quiet = quiet
        self.write = write
    }

    func report(_ event: ThingEvent) {
        guard let (text, important) = Self.text(for: event), important || !quiet else { return }
        let repeated = last.withLock { last in
            defer { last = text }
            return last == text
        }
        if !repeated { write(text) }
    }

    /// A sentence, and whether it is an error; nil for what is printed elsewhere.
    private static func text(for event: ThingEvent) -> (String, Bool)? {
        switch event {
        case .identified(let name, let enrolledNow):
            (enrolledNow ? "Enrolled as \(name)." : "This is \(name).", false)
        case .discovered(let addresses, let fresh):
            (
                fresh
                    ? "The cloud knows \(addresses) address\(addresses == 1 ? "" : "es") of cores for this thing."
                    : "Using \(addresses) address\(addresses == 1 ? "" : "es") of cores from the last discovery.",
                false
            )
        case .connected(let core, let address): ("Connected to \(core) at \(address).", false)
        case .disconnected(let core, let reason): ("Not connected to \(core): \(reason).", true)
        case .acknowledged: nil
        case .rejected(let sequences, let reason, let detail):
            (
                "Refused for ever (\(reason)): "
                    + (sequences.map { "messages \($0.lowerBound) to \($0.upperBound): " } ?? "") + detail,
                true
            )
        case .paused(let reason, let retryAfter):
            (
                "The server takes nothing for now (\(reason))"
                    + (retryAfter.map { "; it looks again in \($0)." } ?? "."), true
            )
        case .dropped(let count): ("\(count) message\(count == 1 ? "" : "s") dropped.", true)
        case .missed(let count): ("\(count) commands were missed: they fell out of the server's queue.", true)
        case .clockDoubtful(let difference):
            (
                "This clock and the server's differ by \(Int(difference)) s; sample times are marked doubtful.",
                true
            )
        case .certificateRenewed: ("The certificate was renewed.", false)
        case .problem(let text): (text, true)
        }
    }
}
