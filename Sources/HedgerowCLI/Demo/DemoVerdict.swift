/// Compares what the thing knows to be acknowledged with what the cloud has, raw and corrected.
struct DemoVerdict {
    /// Which message of which run of the thing.
    struct Identity: Hashable, Comparable {
        let epoch: String
        let sequence: UInt64

        static func < (a: Identity, b: Identity) -> Bool { (a.epoch, a.sequence) < (b.epoch, b.sequence) }
    }

    /// One row of the cloud's history.
    struct Row: Hashable {
        let identity: Identity
        let temperature: Double
        /// The constant that the transform took away; nil in a raw row.
        var cpuTemperature: Double?
        var unit = "°C"
        /// Version of the transform, empty in a raw row.
        var version = ""
        /// Revision of the group under which it was made, 0 in a raw row.
        var revision: UInt64 = 0
    }

    /// Acknowledged to the thing.
    let acknowledged: Set<Identity>
    /// Rows as the sensor gave them, by message.
    let raw: [Identity: [Row]]
    /// Rows as the transform made them, by message.
    let corrected: [Identity: [Row]]

    /// Reads the thing's log of acknowledgements (`EPOCH FIRST LAST` a line) and the rows of its history.
    init(acknowledgements: String, raw: [Row], corrected: [Row]) {
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
        self.raw = Dictionary(grouping: raw, by: \.identity)
        self.corrected = Dictionary(grouping: corrected, by: \.identity)
    }

    /// Acknowledged, and not in the cloud both raw and corrected.
    var lost: [Identity] { acknowledged.filter { raw[$0] == nil || corrected[$0] == nil }.sorted() }

    /// In the cloud more than once.
    var duplicates: [Identity] {
        [raw, corrected].flatMap { $0.filter { $0.value.count > 1 }.keys }.sorted()
    }

    /// Corrected rows that are not what the formula makes of the raw row: 2·T − CPU, and 273.15 more in kelvins.
    var wrong: [Identity] {
        corrected.values.flatMap { $0 }.filter { row in
            guard let input = raw[row.identity]?.first else { return false }
            guard let cpu = row.cpuTemperature else { return true }
            let offset = row.unit == "K" ? 273.15 : 0
            return abs(2 * input.temperature - cpu + offset - row.temperature) > 1e-9
        }.map(\.identity).sorted()
    }

    /// Corrected rows of each version of the transform.
    var versions: [String: Int] {
        corrected.values.flatMap { $0 }.reduce(into: [:]) { $0[$1.version, default: 0] += 1 }
    }

    /// Whether each run of the thing was processed by one version, then by the next, and never by the first again.
    var changedOnce: Bool {
        for (_, rows) in Dictionary(grouping: corrected.values.flatMap({ $0 }), by: \.identity.epoch) {
            let revisions = rows.sorted { $0.identity < $1.identity }.map(\.revision)
            if zip(revisions, revisions.dropFirst()).contains(where: { $0 > $1 }) { return false }
        }
        return true
    }
}
