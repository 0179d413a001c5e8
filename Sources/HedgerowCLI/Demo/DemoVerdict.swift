/// Compares what the thing knows to be acknowledged with what the cloud has.
struct DemoVerdict {
    /// Which message of which run of the thing.
    struct Identity: Hashable, Comparable {
        let epoch: String
        let sequence: UInt64

        static func < (a: Identity, b: Identity) -> Bool { (a.epoch, a.sequence) < (b.epoch, b.sequence) }
    }

    /// Acknowledged to the thing.
    let acknowledged: Set<Identity>
    /// Rows in the cloud's history, by message.
    let stored: [Identity: Int]

    /// Reads the thing's log of acknowledgements (`EPOCH FIRST LAST` a line) and the rows of its history.
    init(acknowledgements: String, history: [Identity]) {
        var acknowledged: Set<Identity> = []
        for line in acknowledgements.split(separator: "\n") {
            let parts = line.split(separator: " ")
            guard parts.count == 3, let first = UInt64(parts[1]), let last = UInt64(parts[2]), first <= last
            else {
                continue
            }
            for sequence in first...last {
                acknowledged.insert(Identity(epoch: String(parts[0]), sequence: sequence))
            }
        }
        self.acknowledged = acknowledged
        stored = history.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }

    /// Acknowledged, and not in the cloud.
    var lost: [Identity] { acknowledged.filter { stored[$0] == nil }.sorted() }

    /// In the cloud more than once.
    var duplicates: [Identity] { stored.filter { $0.value > 1 }.keys.sorted() }
}
