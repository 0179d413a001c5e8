import Crypto
public import FoundationEssentials
public import PKI
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file that is on its way to be an artifact: it grows, is hashed while it does, and gets its place when it is whole.
///
/// It outlives the process and a loss of power. Every ``ArtifactLimits/syncBytes`` it is synced, and how much that was
/// is written beside it, to `PATH.synced`. What is beyond was perhaps never on the disk: opened again, the file is cut
/// there, and what remains is hashed anew.
///
/// Everything blocks: call it inside `BlockingIO.run(_:)`, one call at a time; only ``sync(ifAhead:)`` may run beside
/// another. Whoever opens it sees to it that nobody else has it open.
public final class PartialArtifact: Sendable {
    private struct State {
        /// Negative once it is closed.
        var descriptor: Int32
        var hash = SHA256()
        var length: UInt64 = 0
        var synced: UInt64 = 0
        /// After a sync that failed the system forgets what it could not write, and says that the next one went well.
        var isLost = false
    }

    /// Where it grows.
    public let path: String
    /// What it has to become.
    public let digest: [UInt8]
    /// Bytes that it has to become.
    public let size: UInt64
    private let state: Mutex<State>
    /// One sync at a time, and none while the file gets its place or is closed. Taken before ``state``.
    private let syncing = Mutex(())

    /// Opens or makes the file.
    ///
    /// - Parameter limit: how much of what is there to keep at most.
    /// - Throws: `FileFailure`.
    public init(path: String, digest: [UInt8], size: UInt64, keeping limit: UInt64 = .max) throws(FileFailure)
    {
        self.path = path
        self.digest = digest
        self.size = size
        let kept = min(Self.held(at: path), size, limit)
        try Self.lowerMarker(of: path, to: kept)
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode_t(0o600))
        guard descriptor >= 0 else { throw FileFailure("open", path, errno) }
        var opened = State(descriptor: descriptor)
        do throws(FileFailure) {
            guard ftruncate(descriptor, off_t(kept)) == 0 else { throw FileFailure("cut", path, errno) }
            opened.length = try opened.hash.update(from: descriptor, path: path, to: kept)
        } catch {
            _ = Self.closed(descriptor)
            throw error
        }
        opened.synced = opened.length
        state = Mutex(opened)
    }

    deinit {
        let descriptor = state.withLock { $0.descriptor }
        if descriptor >= 0 { _ = Self.closed(descriptor) }
    }

    /// Bytes that it has.
    public var length: UInt64 { state.withLock { $0.length } }

    /// Bytes of it that a loss of power may take.
    public var unsynced: UInt64 { state.withLock { $0.length - $0.synced } }

    /// Bytes of an unfinished file that are certainly on the disk; 0 where there is none.
    public static func held(at path: String) -> UInt64 {
        guard let status = FileStatus(path: path), !status.isDirectory, let synced = synced(markerPath(path))
        else {
            return 0
        }
        return min(synced, UInt64(clamping: status.size))
    }

    /// Removes an unfinished file that nobody has open.
    ///
    /// - Throws: `FileFailure`.
    public static func remove(at path: String) throws(FileFailure) {
        // The marker first: a file without one counts as empty.
        unlink(markerPath(path))
        try DurableFile.remove(path)
    }

    /// Adds bytes, and brings what there is to the disk where that is due.
    ///
    /// - Throws: ``ArtifactFileError``; where the disk failed, the file is as it was.
    public func append(_ bytes: Data) throws(ArtifactFileError) {
        try write(bytes)
        try sync(ifAhead: ArtifactLimits.syncBytes)
    }

    /// Adds bytes, for those who call ``sync(ifAhead:)`` themselves.
    ///
    /// - Throws: ``ArtifactFileError``; where the disk failed, the file is as it was.
    public func write(_ bytes: Data) throws(ArtifactFileError) {
        try locked { state throws(ArtifactFileError) in
            guard UInt64(bytes.count) <= size - state.length else { throw .tooLong(size: size) }
            if let failure = Self.write(bytes, to: state.descriptor, at: state.length, path) {
                // What was written of it takes room that is not there.
                _ = ftruncate(state.descriptor, off_t(state.length))
                throw .file(failure)
            }
            Self.beginWriting(state.descriptor, state.length, UInt64(bytes.count))
            state.hash.update(data: bytes)
            state.length += UInt64(bytes.count)
        }
    }

    /// Brings to the disk what is there when it begins, and writes down how much that is. Bytes may come meanwhile.
    ///
    /// - Parameter limit: does nothing where the disk has all but less than so many bytes, once a sync that is under
    ///   way is done.
    /// - Throws: ``ArtifactFileError``.
    public func sync(ifAhead limit: UInt64 = 1) throws(ArtifactFileError) {
        if unsynced < limit { return }
        try syncing.withLock { _ throws(ArtifactFileError) in
            if unsynced >= limit { try syncNow() }
        }
    }

    /// Compares what is there with the digest and brings it to the disk, before ``publish(to:)``.
    ///
    /// - Throws: ``ArtifactFileError``.
    public func verify() throws(ArtifactFileError) {
        try locked { state throws(ArtifactFileError) in
            guard state.length == size else { throw .incomplete(held: state.length, size: size) }
            let got = Array(state.hash.finalize())
            guard got == digest else { throw .otherDigest(expected: digest, got: got) }
        }
        // A file without bytes too has to be on the disk.
        try syncing.withLock { _ throws(ArtifactFileError) in
            if unsynced > 0 || length == 0 { try syncNow() }
        }
    }

    /// Gives the file, which was verified, its place, and closes it. On the disk when this returns.
    ///
    /// - Parameter final: on the same file system; its directory exists. What is there is replaced.
    /// - Throws: `FileFailure`.
    public func publish(to final: String) throws(FileFailure) {
        try syncing.withLock { _ throws(FileFailure) in
            guard rename(path, final) == 0 else { throw FileFailure("rename to", final, errno) }
            try DurableFile.syncDirectory(of: final)
            unlink(Self.markerPath(path))
            try DurableFile.syncDirectory(of: path)
            state.withLock { Self.close(&$0) }
        }
    }

    /// Closes the file and keeps it for later; what it has is on the disk then, if the disk allows it.
    public func close() {
        syncing.withLock { _ in
            guard state.withLock({ $0.descriptor >= 0 }) else { return }
            if unsynced > 0 || length == 0 { try? syncNow() }
            state.withLock { Self.close(&$0) }
        }
    }

    /// Closes and removes the file.
    public func discard() {
        syncing.withLock { _ in
            state.withLock { Self.close(&$0) }
            try? Self.remove(at: path)
        }
    }

    // MARK: Parts

    /// Asks the system to bring bytes to the disk from now on, so that the sync, which waits, finds little left: Linux
    /// begins to write what it is told will not be needed (posix_fadvise(2)). Nothing hangs on what comes of it.
    private static func beginWriting(_ descriptor: Int32, _ offset: UInt64, _ count: UInt64) {
        #if canImport(Glibc)
            _ = posix_fadvise(descriptor, off_t(offset), off_t(count), POSIX_FADV_DONTNEED)
        #endif
    }

    private func locked(
        _ body: (inout State) throws(ArtifactFileError) -> Void
    ) throws(ArtifactFileError) {
        try state.withLock { state throws(ArtifactFileError) in
            guard state.descriptor >= 0 else { throw .file(FileFailure("write", path, EBADF)) }
            try body(&state)
        }
    }

    /// With ``syncing`` held, so that the file stays open.
    private func syncNow() throws(ArtifactFileError) {
        let (descriptor, length, isLost) = state.withLock { ($0.descriptor, $0.length, $0.isLost) }
        guard descriptor >= 0 else { throw .file(FileFailure("sync", path, EBADF)) }
        guard !isLost, fsync(descriptor) == 0 else {
            let code = isLost ? EIO : errno
            state.withLock { $0.isLost = true }
            throw .file(FileFailure("sync", path, code))
        }
        do throws(FileFailure) {
            // It brings the directory to the disk too, and with it the file's name.
            try DurableFile.write(Array("\(length)".utf8), to: Self.markerPath(path))
        } catch {
            throw .file(error)
        }
        state.withLock { $0.synced = length }
    }

    /// Sees to it that no more is trusted than is kept, before anything else is written there.
    private static func lowerMarker(of path: String, to kept: UInt64) throws(FileFailure) {
        let marker = markerPath(path)
        guard let status = FileStatus(path: marker), status.size > 0, synced(marker) != kept else { return }
        if kept == 0 {
            try DurableFile.remove(marker)
        } else {
            try DurableFile.write(Array("\(kept)".utf8), to: marker)
        }
    }

    /// What a marker says; nil where there is none, or none that can be read.
    private static func synced(_ marker: String) -> UInt64? {
        guard let bytes = try? DurableFile.read(marker) else { return nil }
        return UInt64(String(decoding: bytes.prefix(20), as: UTF8.self))
    }

    private static func markerPath(_ path: String) -> String { path + ".synced" }

    private static func close(_ state: inout State) {
        if state.descriptor >= 0 { _ = closed(state.descriptor) }
        state.descriptor = -1
    }

    private static func closed(_ descriptor: Int32) -> Int32 {
        #if canImport(Glibc)
            Glibc.close(descriptor)
        #elseif canImport(Musl)
            Musl.close(descriptor)
        #else
            Darwin.close(descriptor)
        #endif
    }

    /// Writes all of some bytes; returns why that failed.
    private static func write(_ bytes: Data, to descriptor: Int32, at offset: UInt64, _ path: String)
        -> FileFailure?
    {
        bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            var offset = off_t(offset)
            while !rest.isEmpty {
                let part = UnsafeRawBufferPointer(rebasing: rest)
                let count = pwrite(descriptor, part.baseAddress, part.count, offset)
                if count < 0 {
                    if errno == EINTR { continue }
                    return FileFailure("write", path, errno)
                }
                rest = rest.dropFirst(count)
                offset += off_t(count)
            }
            return nil
        }
    }
}
