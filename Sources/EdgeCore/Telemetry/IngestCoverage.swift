import GRDB
import Messaging

/// How far an epoch of a thing's is accounted for on the way to the cloud, as one transaction sees and moves it: its
/// own messages, and those of every output that components derived from them.
struct IngestCoverage {
    /// The thing's own messages.
    var own: UInt64
    /// Outputs of components, by key.
    private(set) var outputs: [String: UInt64]

    private let thing: String
    private let epoch: Epoch
    private let savedOwn: UInt64
    private let known: Int
    private var changed: Set<String> = []

    /// Reads it.
    ///
    /// - Parameters:
    ///   - thing: the thing and its stream.
    ///   - cursor: how far the thing's own messages are where nothing is known of them.
    init(_ db: Database, thing: String, epoch: Epoch, cursor: UInt64) throws {
        self.thing = thing
        self.epoch = epoch
        own = try CoverageTable(db).covered(thing: thing, epoch: epoch) ?? cursor
        outputs = try DerivedCoverageTable(db).covered(thing: thing, epoch: epoch)
        savedOwn = own
        known = outputs.count
    }

    /// Writes what changed.
    func save(_ db: Database, now: Int64) throws {
        if own != savedOwn { try CoverageTable(db).set(thing: thing, epoch: epoch, covered: own, now: now) }
        guard !changed.isEmpty else { return }
        let table = DerivedCoverageTable(db)
        for output in changed {
            guard let covered = outputs[output] else { continue }
            try table.set(thing: thing, epoch: epoch, output: output, covered: covered, now: now)
        }
        if outputs.count > max(known, DerivedCoverageTable.maximumOutputs) {
            try table.pruneOutputs(thing: thing, epoch: epoch)
        }
    }

    /// An output's messages are accounted for up to here. It never goes back: what a program made of a message may come
    /// after what became of a later one.
    mutating func cover(_ output: String, through sequence: UInt64) {
        if let covered = outputs[output], covered >= sequence { return }
        outputs[output] = sequence
        changed.insert(output)
    }

    /// An output's account begins behind a sequence, where it has not begun yet.
    mutating func begin(_ output: String, after sequence: UInt64) {
        if outputs[output] == nil { cover(output, through: sequence) }
    }
}
