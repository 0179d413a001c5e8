/// What runs in a soak: who publishes what, and which way it takes.
enum SoakGroup {
    static let name = "soak"
    static let cores = ["core-a", "core-b"]
    /// The core whose disk is small.
    static let coreWithSmallDisk = "core-b"
    /// Most stamps go to the cloud twice: as they are, and doubled by this component.
    static let component = "twin"

    /// A thing and its way.
    struct Publisher: Sendable {
        let name: String
        /// What goes into a reading beside its number, so that a small stream is soon full.
        let width: Int
        /// May its stream drop what it cannot keep? Then the ledger has to name it.
        var mayDrop = false
        /// Do new readings overtake old ones? Then there are two orders.
        var hasLanes = false
        /// How many readings it has for one of the others.
        var pace = 1
        /// Does the component see what it publishes?
        var hasTwin = true
    }

    static let publishers = [
        Publisher(name: "press-1", width: 1), Publisher(name: "press-2", width: 1),
        Publisher(name: "press-3", width: 1),
        Publisher(name: "narrow-1", width: 100, mayDrop: true),
        Publisher(name: "held-1", width: 100),
        // A stream is split where an outage left a thousand messages.
        Publisher(name: "lanes-1", width: 1, hasLanes: true, pace: 8, hasTwin: false),
    ]

    /// Readings in a file of stamps; then it begins again.
    static let stamps = 10_000

    /// The file that a thing replays: the n-th reading says n, so that what arrives tells which one it was.
    static func stampFile(_ publisher: Publisher, perSecond: Int) -> String {
        let extra = (1..<max(publisher.width, 1)).map { "f\($0)" }
        var text = (["time", "n"] + extra).joined(separator: ",") + "\n"
        for number in 1...stamps {
            let milliseconds = number * 1_000 / (perSecond * publisher.pace)
            text += "\(milliseconds / 1_000).\(String(milliseconds % 1_000 + 1_000).dropFirst()),\(number)"
            for field in extra.indices { text += ",\(number + field)" }
            text += "\n"
        }
        return text
    }

    /// The number that a reading with this sequence says.
    static func stamp(_ sequence: UInt64) -> Double { Double((sequence - 1) % UInt64(stamps) + 1) }

    /// The component; every version does the same.
    static func recipe(version: String) -> String {
        """
        kind: Component
        name: \(component)
        version: \(version)
        transform:
          - set: {n: '2.0 * reading.n'}
          - keep: [n]
          - publish: twin/stamps
        """
    }

    static func definition(version: String) -> String {
        """
        kind: Group
        name: \(name)
        cores: [\(cores.joined(separator: ", "))]
        things: [\(publishers.map(\.name).joined(separator: ", "))]
        components: [{name: \(component), version: \(version)}]
        subscriptions:
          - {from: "thing:press-*", topic: "#", to: cloud}
          - {from: "thing:narrow-*", topic: "#", to: cloud, via: narrow}
          - {from: "thing:held-*", topic: "#", to: cloud, via: held}
          - {from: "thing:lanes-*", topic: "#", to: cloud, via: lanes}
          - {from: "thing:press-*", topic: "#", to: "component:\(component)"}
          - {from: "thing:narrow-*", topic: "#", to: "component:\(component)"}
          - {from: "thing:held-*", topic: "#", to: "component:\(component)"}
          - {from: "component:\(component)", topic: "#", to: cloud}
        streams:
          narrow: {maxSize: 64KiB, onFull: overwriteOldest}
          held: {maxSize: 64KiB, onFull: rejectNew}
          lanes: {liveShare: 0.5}
        """
    }
}
