import FoundationEssentials
import Synchronization

/// The cores that are attached now, at most one attachment each.
final class AttachHub: Sendable {
    private let boxes = Mutex<[String: AttachMailbox]>([:])
    private let presence: Presence

    init(presence: Presence) {
        self.presence = presence
    }

    /// Makes a mailbox the one of its core, and tells the one before that it is superseded.
    func attach(_ mailbox: AttachMailbox) {
        let older = boxes.withLock { $0.updateValue(mailbox, forKey: mailbox.core) }
        presence.enter(mailbox.core)
        older?.post(.superseded)
    }

    /// Takes a mailbox away.
    ///
    /// - Returns: whether the core is not attached any more; false where a newer attachment took over.
    func detach(_ mailbox: AttachMailbox, at time: Date) -> Bool {
        mailbox.commands.close()
        presence.leave(mailbox.core, at: time)
        return boxes.withLock { boxes in
            guard boxes[mailbox.core] === mailbox else { return false }
            boxes[mailbox.core] = nil
            return true
        }
    }

    /// Whether a core is attached.
    func isAttached(_ core: String) -> Bool { boxes.withLock { $0[core] != nil } }

    /// The mailbox of a core that is attached.
    func mailbox(of core: String) -> AttachMailbox? { boxes.withLock { $0[core] } }

    /// Names of all attached cores.
    var attached: [String] { boxes.withLock { Array($0.keys) } }

    /// Tells some cores something, those that are attached.
    func post(_ news: AttachMailbox.News, to cores: some Sequence<String>) {
        // Named before the lock is taken: the names may be worked out by asking this hub.
        let names = Array(cores)
        let boxes = boxes.withLock { boxes in names.compactMap { boxes[$0] } }
        for box in boxes { box.post(news) }
    }

    /// Tells all attached cores something.
    func postToAll(_ news: AttachMailbox.News) {
        for box in boxes.withLock({ Array($0.values) }) { box.post(news) }
    }

    /// Asks cores for new certificate requests.
    ///
    /// - Returns: how many of them are attached.
    func requestRenewal(_ wish: AttachMailbox.RenewalWish, from cores: some Sequence<String>) -> Int {
        let boxes = boxes.withLock { boxes in cores.compactMap { boxes[$0] } }
        for box in boxes { box.post(wish) }
        return boxes.count
    }
}
