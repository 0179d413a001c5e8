/// The oracle of exactly-once: compares what was acknowledged with what the history holds and what the ledger
/// says.
///
/// The rule (semantics, section 2): an acknowledged (thing, epoch, sequence) is in the history once, or the
/// ledger names it as lost or missing; nothing is there twice; and nothing that is there is named as lost. Of a
/// thing in ``lossless`` nothing may be named at all, and what is stored is what was published, in order.
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
        /// The ledger names it, although nothing of this thing may be lost.
        case lost(Run, ClosedRange<UInt64>)
        /// The ledger names more than was ever published.
        case neverPublished(Run, ClosedRange<UInt64>)
        /// The history has something else under its identity than was published.
        case altered(Run, UInt64)
        /// It was stored after a later one that came the same way.
        case outOfOrder(Run, UInt64, way: String)

        /// In words.
        public var description: String {
            switch self {
            case .vanished(let run, let sequence):
                "\(run.thing) \(run.epoch.prefix(8)) \(sequence): acknowledged, but neither stored nor in the ledger"
            case .repeated(let run, let sequence, let count):
                "\(run.thing) \(run.epoch.prefix(8)) \(sequence): stored \(count) times"
            case .falselyLost(let run, let sequence):
                "\(run.thing) \(run.epoch.prefix(8)) \(sequence): stored, but named as lost in the ledger"
            case .lost(let run, let sequences):
                "\(run.thing) \(run.epoch.prefix(8)) \(sequences): named as lost in the ledger, but nothing may be lost"
            case .neverPublished(let run, let sequences):
                "\(run.thing) \(run.epoch.prefix(8)) \(sequences): named as lost in the ledger, but never published"
            case .altered(let run, let sequence):
                "\(run.thing) \(run.epoch.prefix(8)) \(sequence): stored, but not as it was published"
            case .outOfOrder(let run, let sequence, let way):
                "\(run.thing) \(run.epoch.prefix(8)) \(sequence): stored after a later one that came by \(way)"
            }
        }
    }

    private var acknowledged: [Run: Set<UInt64>] = [:]
    private var stored: [Run: [UInt64: Int]] = [:]
    private var named: [Run: [ClosedRange<UInt64>]] = [:]
    private var ends: [Run: UInt64] = [:]
    private var lastOnWay: [Way: [UInt64]] = [:]
    private var others: [Violation] = []
    private let lossless: Set<String>

    private struct Way: Hashable {
        let run: Run
        let name: String
    }

    /// Begins with nothing.
    ///
    /// - Parameter lossless: the things, as ``Run/thing`` says them, of which the ledger may name nothing.
    public init(lossless: Set<String> = []) { self.lossless = lossless }

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

    /// Enters the last sequence that a run ever published; the ledger may name none beyond it.
    public mutating func end(_ run: Run, at sequence: UInt64) { ends[run] = sequence }

    /// Enters that a stored message is not what was published.
    public mutating func alter(_ run: Run, _ sequence: UInt64) { others.append(.altered(run, sequence)) }

    /// Enters stored messages in the order of storing.
    ///
    /// - Parameters:
    ///   - way: what keeps the order: the core that they came through.
    ///   - lanes: how many orders there may be beside each other on this way.
    public mutating func order(_ run: Run, _ sequences: ClosedRange<UInt64>, way: String, lanes: Int = 1) {
        // The lane whose last one is the nearest before; if there is an assignment to lanes, this finds one.
        var ends = lastOnWay[Way(run: run, name: way)] ?? []
        let fitting = ends.indices.filter { ends[$0] < sequences.lowerBound }.max { ends[$0] < ends[$1] }
        if let fitting {
            ends[fitting] = sequences.upperBound
        } else if ends.count < lanes {
            ends.append(sequences.upperBound)
        } else {
            others.append(.outOfOrder(run, sequences.lowerBound, way: way))
        }
        lastOnWay[Way(run: run, name: way)] = ends
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
        var found = others
        for (run, ranges) in named.sorted(by: { ($0.key.thing, $0.key.epoch) < ($1.key.thing, $1.key.epoch) })
        {
            for range in ranges {
                if lossless.contains(run.thing) { found.append(.lost(run, range)) }
                if let end = ends[run], range.upperBound > end { found.append(.neverPublished(run, range)) }
            }
        }
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
