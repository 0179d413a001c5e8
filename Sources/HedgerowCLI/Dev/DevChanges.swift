/// Decides from looks at files, one every 300 ms, when something was saved and the saving is over.
///
/// An editor that saves writes several times, or takes the file away for a moment: a change counts when two looks in a
/// row saw the same.
struct DevChanges {
    /// Time between two looks.
    static let interval = Duration.milliseconds(300)

    /// What was last acted on.
    private var settled: [String: DevStamp]
    /// What the look before saw, where that is something else.
    private var pending: [String: DevStamp]?

    /// Begins with what is acted on now.
    init(_ stamps: [String: DevStamp]) { settled = stamps }

    /// Takes another look.
    ///
    /// - Returns: the files that changed, came or went, once the change is over; else none.
    mutating func look(_ stamps: [String: DevStamp]) -> Set<String> {
        guard stamps != settled else {
            pending = nil
            return []
        }
        guard pending == stamps else {
            pending = stamps
            return []
        }
        let changed = Set(stamps.keys).union(settled.keys).filter { stamps[$0] != settled[$0] }
        (settled, pending) = (stamps, nil)
        return changed
    }

    /// Whether a change was seen that is not over yet.
    var isUnderWay: Bool { pending != nil }

    /// More or fewer files are watched from now on: that is no change.
    mutating func watch(_ stamps: [String: DevStamp]) {
        for (path, stamp) in stamps where settled[path] == nil { settled[path] = stamp }
        settled = settled.filter { stamps[$0.key] != nil }
    }
}
