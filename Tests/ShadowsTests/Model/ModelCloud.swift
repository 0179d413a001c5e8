import Shadows

/// A cloud that stores, numbers its changes, compares and swaps, and tells.
struct ModelCloud {
    struct Entry {
        var stored: StoredShadow?
        var change: UInt64 = 0
        /// The newest document of the core that it took.
        var core: ShadowVersion?
        /// The stream that made the last change; 0 for people.
        var stream = 0
    }

    private(set) var entries: [Int: Entry] = [:]
    private var newest: UInt64 = 0
    private var confirmed: UInt64 = 0
    private var stream = 0
    private var isConnected = false
    private var told: UInt64 = 0
    var now: Int64 = 1_700_000_000_000_000
    var versions = VersionWatch()

    subscript(shadow: Int) -> StoredShadow? { entries[shadow]?.stored }

    /// Somebody changes or deletes a shadow in the cloud.
    mutating func edit(_ shadow: Int, _ after: StoredShadow) { store(shadow, after, core: nil, stream: 0) }

    private mutating func store(_ shadow: Int, _ stored: StoredShadow, core: ShadowVersion?, stream: Int) {
        versions.note(shadow, stored)
        newest += 1
        entries[shadow, default: Entry()].stored = stored
        entries[shadow]?.change = newest
        entries[shadow]?.stream = stream
        if let core { entries[shadow]?.core = core }
    }

    mutating func disconnect() { isConnected = false }

    mutating func receive(_ message: ToCloud, _ channel: inout ModelChannel) {
        switch message {
        case .start(let taken):
            stream += 1
            isConnected = true
            told = taken
            channel.send(.started(newest: newest))
        case .taken(let change): confirmed = max(confirmed, change)
        case .write(let id, let shadow, let sent, let expected):
            switch ShadowPush.apply(sent, expected: expected, to: self[shadow], limits: .cloud, now: now) {
            case .accepted(let stored):
                store(shadow, stored, core: sent.shadowVersion, stream: stream)
                channel.send(.accepted(id: id, version: stored.version))
            case .refused: channel.send(.refused(id: id, shadow: shadow, shown(shadow)))
            case .tooLarge: channel.send(.problem(id: id))
            }
        }
    }

    private func shown(_ shadow: Int) -> CloudShadow {
        CloudShadow(entries[shadow]?.stored, core: entries[shadow]?.core)
    }

    /// Whether something has to be told.
    var hasNews: Bool { isConnected && told < newest }

    /// Tells what is new, the last state of each shadow only; not what this stream wrote itself.
    mutating func tell(_ channel: inout ModelChannel) {
        guard hasNews else { return }
        for (shadow, entry) in entries.sorted(by: { $0.value.change < $1.value.change })
        where entry.change > told && entry.stream != stream {
            channel.send(.change(shadow: shadow, shown(shadow)))
        }
        told = newest
        channel.send(.told(told))
    }

    /// Forgets deletions that the core confirmed and that are old enough.
    mutating func purge() {
        for (shadow, entry) in entries {
            guard case .deleted(let tombstone)? = entry.stored, entry.change <= confirmed,
                !tombstone.isCounting(at: now)
            else { continue }
            entries[shadow] = nil
        }
    }
}
