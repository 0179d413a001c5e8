import Shadows

/// What a core says to the cloud.
enum ToCloud {
    case start(taken: UInt64)
    case write(id: Int, shadow: Int, sent: StoredShadow, expected: ShadowVersion?)
    case taken(UInt64)
}

/// What the cloud says to a core.
enum ToCore {
    case started(newest: UInt64)
    case change(shadow: Int, CloudShadow)
    case accepted(id: Int, version: UInt64)
    case refused(id: Int, shadow: Int, CloudShadow)
    case problem(id: Int)
    case told(UInt64)
}

/// A stream between both: what is under way when it breaks is lost.
struct ModelChannel {
    var up: [ToCloud] = []
    var down: [ToCore] = []
    /// Documents that ever went either way.
    private(set) var documents = 0
    /// Messages that ever went either way.
    private(set) var messages = 0

    mutating func send(_ message: ToCloud) {
        up.append(message)
        messages += 1
        if case .write = message { documents += 1 }
    }

    mutating func send(_ message: ToCore) {
        down.append(message)
        messages += 1
        switch message {
        case .change, .refused: documents += 1
        default: break
        }
    }

    mutating func cut() {
        up = []
        down = []
    }
}
