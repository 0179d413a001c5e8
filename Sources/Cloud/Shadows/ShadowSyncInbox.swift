import HedgerowAPI
import RPCSupport
import ShadowStore
import StreamStore
import Synchronization

/// What a core said on its stream and has no answer to yet. Bounded: while it is full, nothing more is read.
final class ShadowSyncInbox: Sendable {
    /// Most documents without an answer.
    static let maximumWrites = 1_000
    /// Most bytes of them.
    static let maximumBytes = 4 << 20
    /// Most things without an answer.
    static let maximumReads = 1_000
    /// Most conflicts that are not stored yet.
    static let maximumConflicts = 1_000
    /// Most documents of one transaction.
    static let writesPerTransaction = 100

    /// What is to be done now.
    struct Work: Sendable {
        var writes: [Hedgerow_Shadow_V1_SyncWrite] = []
        var reads: [String] = []
        var conflicts: [Hedgerow_Shadow_V1_SyncConflict] = []
        var takenChange: UInt64 = 0
        var isSuperseded = false
    }

    /// A stream that has begun.
    struct Begun: Sendable {
        let selection: ShadowSyncSelection
        let watcher: ShadowWatcher
        let start: Hedgerow_Shadow_V1_SyncStart
    }

    private struct State {
        var begun: Begun?
        var work = Work()
        var bytes = 0
    }

    private let state = Mutex(State())
    private let start = Signal()
    private let room = Signal()

    init() {}

    /// The stream has begun.
    func begin(_ begun: Begun) {
        state.withLock { $0.begun = begun }
        start.signal()
    }

    /// What the stream began with, once it did; nil before.
    var begun: Begun? { state.withLock { $0.begun } }

    /// Returns when the stream has begun, or the task is cancelled.
    func waitForStart() async { await start.wait() }

    /// Whether another stream of the core took over.
    var isSuperseded: Bool { state.withLock { $0.work.isSuperseded } }

    /// Another stream of the core took over.
    func supersede() {
        let watcher = state.withLock { state in
            state.work.isSuperseded = true
            return state.begun?.watcher
        }
        watcher?.wake()
    }

    /// Takes a message in, which was checked.
    func add(_ request: Hedgerow_Shadow_V1_SyncShadowsRequest) {
        let watcher = state.withLock { state in
            state.work.writes += request.writes
            state.bytes += request.writes.reduce(0) { $0 + $1.size }
            state.work.reads += request.reads.map(\.thing)
            state.work.conflicts += request.conflicts
            state.work.takenChange = max(state.work.takenChange, request.takenChange)
            return state.begun?.watcher
        }
        watcher?.wake()
    }

    /// Returns when there is room for another message, or the task is cancelled.
    func waitForRoom() async {
        while isFull, !Task.isCancelled { await room.wait() }
    }

    private var isFull: Bool {
        state.withLock { state in
            state.work.writes.count >= Self.maximumWrites || state.bytes >= Self.maximumBytes
                || state.work.reads.count >= Self.maximumReads
                || state.work.conflicts.count >= Self.maximumConflicts
        }
    }

    /// Takes out what is to be done next.
    func take() -> Work {
        let work = state.withLock { state in
            var work = state.work
            work.writes = Array(state.work.writes.prefix(Self.writesPerTransaction))
            state.work.writes.removeFirst(work.writes.count)
            state.bytes -= work.writes.reduce(0) { $0 + $1.size }
            state.work.reads.removeAll()
            state.work.conflicts.removeAll()
            state.work.takenChange = 0
            return work
        }
        room.signal()
        return work
    }
}

extension Hedgerow_Shadow_V1_SyncWrite {
    /// Bytes of its document.
    var size: Int { document.state.count + document.metadata.count }
}
