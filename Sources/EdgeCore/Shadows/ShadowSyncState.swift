import FoundationEssentials
import ShadowStore
import Shadows

/// What one stream of the sync has under way, and what it has heard.
struct ShadowSyncState: Sendable {
    /// A document under way.
    struct Push: Sendable {
        let key: ShadowKey
        let sent: StoredShadow
        /// The version that the cloud has to have; nil where it has to have none.
        let expected: ShadowVersion?
        let direction: ShadowDirection
    }

    /// What was decided of a shadow.
    struct Decided: Sendable {
        let key: ShadowKey
        let conflict: RecordedConflict
    }

    var isStarted = false
    /// Number of the change up to which everything has to be told before anything is sent; nil once it is.
    var awaited: Int64? = 0
    var isFinished = false
    var nextID: UInt64 = 0
    var underWay: [UInt64: Push] = [:]
    var keys: Set<ShadowKey> = []
    /// Documents in each message without an answer, the oldest first.
    var messages: [Int] = []
    /// Things that are to be asked about.
    var unasked: [String] = []
    /// Those of which not everything was told: their documents would only be refused.
    var unread: Set<String> = []
    /// The cloud's database.
    var database = Data()
    /// What the cloud was told that is taken, and what is.
    var toldTaken: Int64 = 0
    var taken: Int64 = 0
    /// Names of the shadows that were told of things that are being read.
    var told: [String: Set<String>] = [:]
    /// What was decided and the cloud is to learn, the newest first.
    var conflicts: [Decided] = []
    /// When things with an interval exchanged last.
    var exchanged: [String: Duration] = [:]
    /// Documents that could not be written, and when they are tried again.
    var postponed: [ShadowKey: Duration] = [:]

    /// Keeps what the cloud is to learn; what is too much is only known here.
    mutating func remember(_ decided: [Decided]) {
        conflicts.insert(contentsOf: decided.reversed(), at: 0)
        if conflicts.count > ShadowSyncSession.maximumConflicts {
            conflicts.removeLast(conflicts.count - ShadowSyncSession.maximumConflicts)
        }
    }

    /// So many documents were answered; returns how many messages that ends.
    mutating func finish(_ count: Int) -> Int {
        var (left, finished) = (count, 0)
        while left > 0, let first = messages.first {
            let part = min(first, left)
            left -= part
            messages[0] = first - part
            if messages[0] == 0 {
                messages.removeFirst()
                finished += 1
            }
        }
        return finished
    }
}
