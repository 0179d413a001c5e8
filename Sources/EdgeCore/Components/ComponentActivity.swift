import HedgerowAPI
import Logging
import RPCSupport
import SwiftProtobuf
import Synchronization

/// What the component instances did since the core started or they restarted: counted, logged, reported.
///
/// Only what was really taken is counted: a batch that has to wait, comes again or was rolled back is not.
final class ComponentActivity: Sendable {
    /// Causes of failures kept per instance; those beyond share the last entry.
    static let maximumCauses = 16
    /// What further causes are called.
    static let otherCauses = "other causes"
    /// Most bytes of a cause on the wire.
    static let maximumCauseBytes = 256
    /// Least time between two log lines about one cause, microseconds.
    static let logInterval: Int64 = 60_000_000

    private struct Cause {
        var count: UInt64 = 0
        var lastTime: Int64 = 0
        var lastLogged: Int64?
        var sinceLogged: UInt64 = 0
    }

    /// What an instance did since the newest revision runs.
    struct Recent: Hashable, Sendable {
        /// Number of that revision (``RunningRevision/number``).
        var generation: UInt64 = 0
        /// Messages that it was given.
        var input: UInt64 = 0
        /// Messages that it failed on.
        var failed: UInt64 = 0
        /// Why it failed on the last of them.
        var lastFailure = ""

        fileprivate mutating func add(_ tally: ComponentTally) {
            guard tally.generation >= generation else { return }
            if tally.generation > generation { self = Recent(generation: tally.generation) }
            input += tally.input
            failed += tally.failures.values.reduce(0, +)
            if let cause = tally.failures.keys.max() { lastFailure = cause }
        }
    }

    private struct Entry {
        var component: String
        var version: String
        var start: UInt64
        var generation: UInt64
        var input: UInt64 = 0
        var output: UInt64 = 0
        var filtered: UInt64 = 0
        var failed: UInt64 = 0
        var causes: [String: Cause] = [:]
        var recent = Recent()

        init(_ tally: ComponentTally) {
            component = tally.component
            version = tally.version
            start = tally.start
            generation = tally.generation
        }
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var changes: UInt64 = 0
    }

    private struct LogLine {
        let tally: ComponentTally
        let cause: String
        let count: UInt64
    }

    private let state = Mutex(State())
    private let logger: Logger

    init(logger: Logger) { self.logger = logger }

    /// Grows with everything that is counted.
    var changes: UInt64 { state.withLock { $0.changes } }

    /// Something about a component is other than it was, beside what is counted here.
    func touch() { state.withLock { $0.changes += 1 } }

    /// Counts what was taken.
    ///
    /// - Parameter now: microseconds since 1970.
    func record(_ tallies: [ComponentTally], now: Int64) {
        guard !tallies.isEmpty else { return }
        let lines = state.withLock { state in
            state.changes += 1
            return tallies.flatMap { Self.add($0, to: &state, now: now) }
        }
        for line in lines {
            logger.warning(
                "a component failed on messages; they went to its dead letters",
                metadata: [
                    "component.instance": "\(line.tally.instance)",
                    "component.name": "\(line.tally.component)",
                    "component.version": "\(line.tally.version)", "error.message": "\(line.cause)",
                    "messages.count": "\(line.count)",
                ])
        }
    }

    private static func add(_ tally: ComponentTally, to state: inout State, now: Int64) -> [LogLine] {
        var entry = state.entries.removeValue(forKey: tally.instance) ?? Entry(tally)
        if (entry.component, entry.version, entry.start) != (tally.component, tally.version, tally.start) {
            // A batch of what ran before may be counted after the first one of the next.
            guard tally.generation > entry.generation else {
                state.entries[tally.instance] = entry
                return []
            }
            entry = Entry(tally)
        }
        entry.generation = max(entry.generation, tally.generation)
        entry.recent.add(tally)
        entry.input += tally.input
        entry.output += tally.output
        entry.filtered += tally.filtered
        var lines: [LogLine] = []
        for (text, count) in tally.failures.sorted(by: { $0.key < $1.key }) {
            entry.failed += count
            let name =
                entry.causes[text] != nil || entry.causes.count < maximumCauses - 1 ? text : otherCauses
            var cause = entry.causes[name] ?? Cause()
            cause.count += count
            cause.lastTime = now
            cause.sinceLogged += count
            // The clock may be set back; then a line too many is better than none for long.
            if cause.lastLogged.map({ now - $0 >= logInterval || now < $0 }) ?? true {
                lines.append(LogLine(tally: tally, cause: text, count: cause.sinceLogged))
                cause.lastLogged = now
                cause.sinceLogged = 0
            }
            entry.causes[name] = cause
        }
        state.entries[tally.instance] = entry
        return lines
    }

    /// What an instance did since the newest revision runs; nil where it did nothing since the core started.
    func recent(_ instance: String) -> Recent? { state.withLock { $0.entries[instance]?.recent } }

    /// What the instances of a revision did, by name; those that did nothing yet too. Forgets all others.
    func statuses(of running: RunningRevision?) -> [Hedgerow_Type_V1_ComponentStatus] {
        let components = running?.components ?? [:]
        return state.withLock { state in
            state.entries = state.entries.filter { components[$0.key] != nil }
            return components.values.sorted { $0.instance < $1.instance }.map { component in
                let entry = state.entries[component.instance]
                let isCurrent = entry.map {
                    ($0.component, $0.version, $0.start)
                        == (component.component, component.version, component.start)
                }
                return Self.status(of: component, isCurrent == true ? entry : nil)
            }
        }
    }

    private static func status(
        of component: RunningComponent, _ entry: Entry?
    ) -> Hedgerow_Type_V1_ComponentStatus {
        .with {
            $0.instance = component.instance
            $0.component = component.component
            $0.version = component.version
            $0.messagesIn = entry?.input ?? 0
            $0.messagesOut = entry?.output ?? 0
            $0.messagesFiltered = entry?.filtered ?? 0
            $0.messagesFailed = entry?.failed ?? 0
            let causes = (entry?.causes ?? [:]).sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
            $0.failures = causes.prefix(maximumCauses).map { text, cause in
                .with {
                    $0.cause = text.prefix(utf8: maximumCauseBytes)
                    $0.count = cause.count
                    $0.lastTime = Microseconds.timestamp(cause.lastTime)
                }
            }
        }
    }
}
