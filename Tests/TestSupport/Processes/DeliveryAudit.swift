/// The oracle of exactly-once: compares what was acknowledged with what the history holds and what the ledger
/// says.
///
/// The rule (semantics, section 2): an acknowledged (thing, epoch, sequence) is in the history once, or the
/// ledger names it as lost or missing; nothing is there twice; and nothing that is there is named as lost.
public struct DeliveryAudit: Sendable {
    /// One run of a thing's process.
    public struct Run: Hashable, Sendable {
        /// The thing.
        public let thing: String
        /// Its epoch, 16 bytes in lower-case hexadecimal.
        public let epoch: String

        /// Makes a run.
        public init(thing: String, epoch: String) {
            self.thing = thing
            self.epoch = epoch
        }
    }

    /// The name under which what a component derived from a thing's messages is audited: a message of its own,
    /// with the sequence of the one that it was derived from.
    public static func name(of thing: String, through component: String) -> String {
        component.isEmpty ? thing : "\(thing) through \(component)"
    }

    /// What is wrong with one message.
    public enum Violation: Hashable, Sendable, CustomStringConvertible {
        /// It was acknowledged, and neither the history nor the ledger knows it.
        case vanished(Run, UInt64)
        /// The history has it so many times.
        case repeated(Run, UInt64, Int)
        /// The history has it and the ledger names it as lost.
        case falselyLost(Run, UInt64)

        /// In words.
        public var description: String {
            switch self {
            case .vanished(let run, let sequence):
                "\(run.thing) \(run.epoch.prefix(8)) \(sequence): acknowledged, but neither stored nor in the ledger"
            case .repeated(let run, let sequence, let count):
                "\(run.thing) \(run.epoch.prefix(8)) \(sequence): stored \(count) times"
            case .falselyLost(let run, let sequence):
                "\(run.thing) \(run.epoch.prefix(8)) \(sequence): stored, but named as lost in the ledger"
            }
        }
    }

    private var acknowledged: [Run: Set<UInt64>] = [:]
    private var stored: [Run: [UInt64: Int]] = [:]
    private var named: [Run: [ClosedRange<UInt64>]] = [:]

    /// Begins with nothing.
    public init() {}

    /// Enters acknowledged sequences.
    public mutating func acknowledge(_ run: Run, _ sequences: ClosedRange<UInt64>) {
        acknowledged[run, default: []].formUnion(sequences)
    }

    /// Enters one stored message.
    public mutating func store(_ run: Run, _ sequence: UInt64) {
        stored[run, default: [:]][sequence, default: 0] += 1
    }

    /// Enters sequences that the ledger names as lost or missing.
    public mutating func name(_ run: Run, _ sequences: ClosedRange<UInt64>) {
        named[run, default: []].append(sequences)
    }

    /// How many messages were acknowledged.
    public var acknowledgedCount: Int { acknowledged.values.reduce(0) { $0 + $1.count } }
    /// How many different messages are stored.
    public var storedCount: Int { stored.values.reduce(0) { $0 + $1.count } }
    /// How many rows are stored.
    public var rowCount: Int { stored.values.reduce(0) { $0 + $1.values.reduce(0, +) } }
    /// How many runs of things were acknowledged anything.
    public var runCount: Int { acknowledged.count }

    /// Acknowledged messages that are not stored, and that the ledger names.
    public var lostCount: Int {
        acknowledged.reduce(0) { sum, entry in
            sum + entry.value.count { stored[entry.key]?[$0] == nil && isNamed(entry.key, $0) }
        }
    }

    /// Acknowledged messages that are not stored, whatever the ledger says.
    public var absentCount: Int {
        acknowledged.reduce(0) { sum, entry in sum + entry.value.count { stored[entry.key]?[$0] == nil } }
    }

    /// Everything that is wrong, in order.
    public var violations: [Violation] {
        var found: [Violation] = []
        for run in Set(acknowledged.keys).union(stored.keys).sorted(by: {
            ($0.thing, $0.epoch) < ($1.thing, $1.epoch)
        }) {
            let rows = stored[run] ?? [:]
            for sequence in (acknowledged[run] ?? []).sorted()
            where rows[sequence] == nil && !isNamed(run, sequence) {
                found.append(.vanished(run, sequence))
            }
            for (sequence, count) in rows.sorted(by: { $0.key < $1.key }) {
                if count > 1 { found.append(.repeated(run, sequence, count)) }
                if isNamed(run, sequence) { found.append(.falselyLost(run, sequence)) }
            }
        }
        return found
    }

    private func isNamed(_ run: Run, _ sequence: UInt64) -> Bool {
        named[run]?.contains { $0.contains(sequence) } ?? false
    }
}
