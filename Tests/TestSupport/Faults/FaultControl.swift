import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What is wrong at the moment with the system of the processes that ``environment`` was given to.
///
/// It is a file that the preloaded library has mapped, so that a change holds from the next call on, and over the
/// restarts of the process.
public final class FaultControl: Sendable {
    /// Where each value stands in the file; `faults.c` has the same.
    private enum Field: Int64 {
        case clockOffset = 0
        case syncError = 8
        case failedSyncs = 16
        case passedSyncs = 24
        case armed = 32
        case databaseCalls = 40
        case fatalCall = 48
    }

    private static let size: Int64 = 4_096

    /// What a process has to be started with.
    public let environment: [String: String]
    private let path: String
    private let descriptor: Int32

    init(library: String, path: String) throws {
        self.path = path
        environment = ["LD_PRELOAD": library, "HEDGEROW_FAULTS": path]
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw DidNotHappen(description: "\(path) cannot be opened") }
        guard ftruncate(descriptor, off_t(Self.size)) == 0 else {
            throw DidNotHappen(description: "\(path) cannot be made \(Self.size) bytes long")
        }
    }

    deinit { close(descriptor) }

    /// How far the wall clock is ahead; behind where negative.
    public var clockOffset: Duration {
        get throws { .nanoseconds(try read(.clockOffset)) }
    }

    /// Makes the wall clock jump to so far ahead of the right time. The monotonic clocks stay right.
    public func setClockOffset(_ offset: Duration) throws {
        let (seconds, attoseconds) = offset.components
        try write(seconds * 1_000_000_000 + attoseconds / 1_000_000_000, to: .clockOffset)
    }

    /// Whether every `fsync` and `fdatasync` fails.
    public var failingSyncs: Bool {
        get throws { try read(.syncError) != 0 }
    }

    /// Lets every `fsync` and `fdatasync` fail (EIO) from now on, or none.
    public func setFailingSyncs(_ fails: Bool) throws {
        try write(fails ? Int64(EIO) : 0, to: .syncError)
    }

    /// How many syncs have failed so far.
    public var failedSyncs: Int {
        get throws { Int(try read(.failedSyncs)) }
    }

    /// How many syncs have gone through so far.
    public var passedSyncs: Int {
        get throws { Int(try read(.passedSyncs)) }
    }

    /// Counts the writes and syncs to databases from now on, and kills the process (SIGKILL) at one of them; the fatal
    /// write is torn: half of it is there.
    ///
    /// - Parameters:
    ///   - call: at which; nil for none, only counting.
    ///   - countsSyncsOnly: whether writes are left out, so that the process dies when a transaction is written as a
    ///     whole.
    public func arm(killingAt call: Int?, countsSyncsOnly: Bool = false) throws {
        try write(0, to: .armed)
        try write(0, to: .databaseCalls)
        try write(Int64(call ?? 0), to: .fatalCall)
        try write(countsSyncsOnly ? 2 : 1, to: .armed)
    }

    /// Kills nothing from now on, and counts no more.
    public func disarm() throws {
        try write(0, to: .fatalCall)
        try write(0, to: .armed)
    }

    /// How many writes and syncs to databases there were since it was armed.
    public var databaseCalls: Int {
        get throws { Int(try read(.databaseCalls)) }
    }

    private func read(_ field: Field) throws -> Int64 {
        var value: Int64 = 0
        guard pread(descriptor, &value, 8, off_t(field.rawValue)) == 8 else {
            throw DidNotHappen(description: "\(path) cannot be read")
        }
        return value
    }

    private func write(_ value: Int64, to field: Field) throws {
        var value = value
        guard pwrite(descriptor, &value, 8, off_t(field.rawValue)) == 8 else {
            throw DidNotHappen(description: "\(path) cannot be written")
        }
    }
}
