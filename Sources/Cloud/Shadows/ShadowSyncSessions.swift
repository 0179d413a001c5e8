import Synchronization

/// The streams of cores that sync, at most one each.
final class ShadowSyncSessions: Sendable {
    private let inboxes = Mutex<[String: ShadowSyncInbox]>([:])

    init() {}

    /// Number of cores that sync now.
    var count: Int { inboxes.withLock { $0.count } }

    /// Makes a stream the one of its core, and tells the one before that it is superseded.
    func enter(_ inbox: ShadowSyncInbox, of core: String) {
        inboxes.withLock { $0.updateValue(inbox, forKey: core) }?.supersede()
    }

    /// Takes a stream out, unless a newer one took its place.
    func leave(_ inbox: ShadowSyncInbox, of core: String) {
        inboxes.withLock { inboxes in
            if inboxes[core] === inbox { inboxes[core] = nil }
        }
    }
}
