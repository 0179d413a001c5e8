import Foundation
import GRDB
public import Logging
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Keeps a program working on a full disk: what needs room is refused in time, and what gives room back goes on.
///
/// A file beside the database holds space that nobody else can take: the ballast. When the disk is full all the same,
/// because something else filled it, the ballast is given up, so that what is acknowledged can be deleted. The disk
/// counts as full when less than ``margin`` is left beside the ballast, the free pages within the database counted in,
/// and no longer when ``resume`` more is there. Where there was never room for the ballast, the disk is full from the
/// start.
public final class DiskRoom: Sendable {
    /// Bytes beside the ballast that stay free for the log and for what must be written even then: 8 MiB.
    public static let margin: Int64 = 8 << 20
    /// Bytes above ``margin`` from which on a full disk has room again: 4 MiB.
    public static let resume: Int64 = 4 << 20
    /// Bytes of the ballast where nobody says otherwise: 16 MiB, as much as the log may hold.
    public static let standardBallast: Int64 = 16 << 20
    /// Free bytes below which the room is looked at with every transaction, and the log is kept short: 128 MiB.
    static let scarce: Int64 = 128 << 20
    /// Pages in the log after which it is copied into the file, while room is scarce: 2 MiB.
    static let scarceCheckpointPages = 512
    /// How old what is known may be otherwise.
    static let interval = Duration.seconds(1)

    /// What is known about the disk.
    public struct Condition: Hashable, Sendable {
        /// Whether nothing new is taken.
        public fileprivate(set) var isFull = false
        /// Whether the ballast is there.
        public fileprivate(set) var hasBallast = false
        /// Bytes that can still be taken in; negative where the margin is used.
        public fileprivate(set) var room: Int64 = .max
    }

    private struct State {
        var condition = Condition()
        var isScarce = true
        var looked: ContinuousClock.Instant?
        var checkpointPages = DurableDatabase.checkpointPages
    }

    private let path: String
    private let ballastPath: String
    private let ballast: Int64
    private let logger: Logger
    private let state = Mutex(State())

    /// Watches the disk of a database.
    ///
    /// - Parameters:
    ///   - path: the database.
    ///   - ballast: bytes of the ballast.
    ///   - logger: told when the disk is full, and when it has room again.
    public init(database path: String, ballast: Int64 = standardBallast, logger: Logger) {
        self.path = path
        self.ballast = ballast
        self.logger = logger
        ballastPath = Self.ballastPath(forDatabase: path)
    }

    /// Where the ballast of a database is: `ballast` in the same folder.
    public static func ballastPath(forDatabase path: String) -> String {
        (path as NSString).deletingLastPathComponent + "/ballast"
    }

    /// What was known last.
    public var condition: Condition { state.withLock { $0.condition } }

    /// Gives the ballast up before a database is opened for which there is no room otherwise. Blocks on the disk.
    public static func makeRoomToOpen(database path: String) {
        guard let free = RawFile.freeBytes(at: (path as NSString).deletingLastPathComponent),
            free < margin / 2
        else { return }
        unlink(ballastPath(forDatabase: path))
    }

    /// Whether something that needs room is to be looked at first.
    var isDue: Bool {
        state.withLock { state in
            guard !state.isScarce, !state.condition.isFull, let looked = state.looked else { return true }
            return looked.duration(to: .now) > Self.interval
        }
    }

    /// Looks at the disk. Outside any transaction.
    ///
    /// - Parameter didFail: Whether a transaction just failed for want of room.
    func look(_ db: Database, didFail: Bool = false) throws {
        let pageSize = try Int64.fetchOne(db, sql: "PRAGMA page_size") ?? 4_096
        let pages = try Int64.fetchOne(db, sql: "PRAGMA page_count") ?? 0
        let unused = try Int64.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
        let folder = (path as NSString).deletingLastPathComponent
        guard var free = RawFile.freeBytes(at: folder) else { return }
        // What is in the log only is still to get its place in the file.
        let growth = max(pages * pageSize - RawFile.size(of: path), 0)
        let before = condition
        var now = before
        now.hasBallast = RawFile.size(of: ballastPath) >= ballast
        if !now.hasBallast, free >= ballast + Self.margin + growth {
            now.hasBallast = makeBallast()
            free = RawFile.freeBytes(at: folder) ?? free
        }
        let beside = free - (now.hasBallast ? 0 : ballast)
        now.room = beside - Self.margin - growth + unused * pageSize
        if before.isFull {
            now.isFull = now.room < Self.resume || beside < Self.margin / 2
        } else {
            now.isFull = didFail || now.room <= 0
        }
        if now.isFull, free < Self.margin / 2, now.hasBallast {
            unlink(ballastPath)
            now.hasBallast = false
            free = RawFile.freeBytes(at: folder) ?? free
        }
        try keepLogShort(
            db, isScarce: free < Self.scarce, canCheckpoint: now.isFull && growth + (1 << 20) < free)
        state.withLock { state in
            state.condition = now
            state.isScarce = free < Self.scarce
            state.looked = .now
        }
        tell(before: before, now: now)
    }

    private func keepLogShort(_ db: Database, isScarce: Bool, canCheckpoint: Bool) throws {
        let pages = isScarce ? Self.scarceCheckpointPages : DurableDatabase.checkpointPages
        if state.withLock({ $0.checkpointPages }) != pages {
            try db.execute(sql: "PRAGMA wal_autocheckpoint = \(pages)")
            state.withLock { $0.checkpointPages = pages }
        }
        // The log's own space is used again from its beginning; a reader that is in the way is so for a moment.
        if canCheckpoint { _ = try? db.checkpoint(.restart) }
    }

    private func tell(before: Condition, now: Condition) {
        if now.isFull, !before.isFull {
            logger.error(
                "the disk is full; nothing new is taken until there is room",
                metadata: ["path": "\(path)", "ballast": now.hasBallast ? "kept" : "given up"])
        } else if before.isFull, !now.isFull {
            logger.notice("the disk has room again", metadata: ["path": "\(path)"])
        }
    }

    /// Takes the ballast's space; false where there is none.
    private func makeBallast() -> Bool {
        guard ballast > 0 else { return true }
        let descriptor = open(ballastPath, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        #if canImport(Darwin)
            let isThere = ftruncate(descriptor, off_t(ballast)) == 0
        #else
            let isThere = posix_fallocate(descriptor, 0, off_t(ballast)) == 0
        #endif
        if !isThere { unlink(ballastPath) }
        return isThere
    }
}
