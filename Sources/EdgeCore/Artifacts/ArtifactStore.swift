import Components
import FoundationEssentials
import Logging
import Messaging
import PKI
import RPCSupport
import Supervision
import Synchronization

/// The artifacts on this core: files under their SHA-256 in `artifacts/` of the state directory.
///
/// What is named by ``retain(_:)`` stays: what runs and what it would go back to. The rest is kept as long as there is
/// room within the quota, and goes the least recently used first. Nothing of it needs the cloud, but fetching.
final class ArtifactStore: Sendable {
    /// Default of the quota: 1 GiB.
    static let standardMaximum: UInt64 = 1 << 30
    /// Bytes that stay free on the disk beside artifacts, for streams and their log: 16 MiB.
    static let spareBytes: UInt64 = 16 << 20
    /// How long what nothing names is kept where there is room.
    static let keepUnused: Duration = .seconds(7 * 86_400)

    private struct State {
        /// What must stay; nil until somebody said so: then nothing is removed.
        var retained: Set<[UInt8]>?
        /// What files were like when their digests were compared.
        var verified: [[UInt8]: FileStatus] = [:]
    }

    let directory: String
    /// Most bytes of all files.
    let maximum: UInt64
    let source: any ArtifactSource
    let backoff: Backoff
    /// What deadlines are on.
    let clock: MonotonicClock
    let logger: Logger
    private let state = Mutex(State())
    private let turns = ArtifactTurns()

    /// Makes a store; touches nothing.
    ///
    /// - Parameters:
    ///   - directory: made when the first file comes.
    ///   - maximum: quota in bytes.
    ///   - backoff: waits between attempts to fetch.
    ///   - clock: what deadlines are on.
    init(
        directory: String, maximum: UInt64 = standardMaximum, source: any ArtifactSource,
        backoff: Backoff = Backoff(), clock: MonotonicClock = .continuous, logger: Logger
    ) {
        self.directory = directory
        self.maximum = maximum
        self.source = source
        self.backoff = backoff
        self.clock = clock
        self.logger = logger
    }

    // MARK: For deployments

    /// Sees to it that files are here, and are what their digests say: compares what is here, and fetches the rest,
    /// going on where an earlier attempt ended.
    ///
    /// - Parameters:
    ///   - deadline: when to give up, on ``clock``. What came by then is kept for the next attempt.
    ///   - progress: told after each chunk.
    func ensure(
        _ references: [ArtifactReference], until deadline: Duration,
        progress: @escaping @Sendable (ArtifactProgress) -> Void = { _ in }
    ) async throws(ArtifactProblem) {
        if references.isEmpty { return }
        do {
            try await turns.run {
                try await bring(Self.distinct(references), until: deadline, progress: progress)
            }
        } catch let problem as ArtifactProblem {
            throw problem
        } catch let failure as FileFailure {
            throw Self.problem(failure, "artifacts could not be kept")
        } catch {
            throw ArtifactProblem(.cancelled, "fetching artifacts was cancelled")
        }
    }

    /// Which of some files are not here, or are damaged. Reads those that were not compared since the start.
    func missing(_ references: [ArtifactReference]) async -> [ArtifactReference] {
        let found = try? await BlockingIO.run { [self] in
            Self.distinct(references).filter { !isGenuine($0) }
        }
        return found ?? references
    }

    /// Where the file of a digest is; nil unless it is here and was compared with its digest since the start.
    func path(of digest: [UInt8]) -> String? {
        let path = filePath(digest)
        guard let status = FileStatus(path: path), state.withLock({ $0.verified[digest] }) == status else {
            return nil
        }
        return path
    }

    /// Says what must stay from now on, and removes what was not used for a long time.
    ///
    /// - Parameter keepsRest: whether what nothing names may stay until then; not where others need the room.
    func retain(_ digests: Set<[UInt8]>, keepsRest: Bool = true) async {
        state.withLock { $0.retained = digests }
        do {
            try await turns.run {
                try await BlockingIO.run { [self] in
                    let limit =
                        keepsRest
                        ? Int64(Date().timeIntervalSince1970) - Self.keepUnused.components.seconds : .max
                    try removeLeftovers()
                    for file in removable(beside: []) where file.used < limit { try remove(file) }
                }
            }
        } catch is CancellationError {
            // The core stops; the next start does it.
        } catch {
            logger.warning("old artifacts not removed", metadata: ["error.message": "\(error)"])
        }
    }

    // MARK: Bringing

    private func bring(
        _ references: [ArtifactReference], until deadline: Duration,
        progress: @escaping @Sendable (ArtifactProgress) -> Void
    ) async throws {
        let missing = try await BlockingIO.run { [self] in
            try DurableFile.makeDirectory(directory)
            let missing = references.filter { !isGenuine($0) }
            for reference in references { touch(reference.digest) }
            try makeRoom(for: references, missing: missing)
            return missing
        }
        let total = missing.reduce(UInt64(0)) { $0 + $1.bytes }
        var done: UInt64 = 0
        for reference in missing {
            let before = done
            let download = ArtifactDownload(
                reference: reference, partialPath: partialPath(reference.digest),
                path: filePath(reference.digest), source: source, deadline: deadline, clock: clock,
                logger: logger)
            try await download.run(backoff: backoff) { held in
                progress(
                    ArtifactProgress(artifact: reference, held: held, total: total, done: before + held))
            }
            note(reference.digest)
            done += reference.bytes
        }
    }

    private static func distinct(_ references: [ArtifactReference]) -> [ArtifactReference] {
        var seen: Set<[UInt8]> = []
        return references.filter { seen.insert($0.digest).inserted }
    }

    // MARK: Files

    func filePath(_ digest: [UInt8]) -> String { directory + "/" + ArtifactDigest.text(digest) }

    func partialPath(_ digest: [UInt8]) -> String { filePath(digest) + ".partial" }

    /// What must stay; nil where nobody said.
    var retained: Set<[UInt8]>? { state.withLock { $0.retained } }

    /// Whether a file is here and is what it should be. A damaged one is removed. Blocks.
    private func isGenuine(_ reference: ArtifactReference) -> Bool {
        let path = filePath(reference.digest)
        guard let status = FileStatus(path: path), !status.isDirectory else { return false }
        if state.withLock({ $0.verified[reference.digest] }) == status { return true }
        let found = try? ArtifactDigest.of(file: path)
        if let found, found.digest == reference.digest, found.size == reference.bytes {
            state.withLock { $0.verified[reference.digest] = status }
            return true
        }
        forget(reference.digest)
        logger.warning(
            "artifact damaged; fetching it again",
            metadata: [
                "artifact.name": "\(reference.name)",
                "artifact.digest": "\(ArtifactDigest.text(reference.digest))",
            ])
        try? DurableFile.remove(path)
        return false
    }

    /// Remembers that a file was compared with its digest just now. Blocks briefly.
    private func note(_ digest: [UInt8]) {
        let status = FileStatus(path: filePath(digest))
        state.withLock { $0.verified[digest] = status }
    }

    /// Forgets that a file was compared.
    func forget(_ digest: [UInt8]) { state.withLock { $0.verified[digest] = nil } }

    /// Makes a file the most recently used one. Blocks.
    private func touch(_ digest: [UInt8]) {
        guard state.withLock({ $0.verified[digest] }) != nil else { return }
        FileTimes.setNow(filePath(digest))
        note(digest)
    }

    /// What a failure of the disk means.
    static func problem(_ failure: FileFailure, _ what: String) -> ArtifactProblem {
        ArtifactProblem(
            failure.isFullDisk ? .diskFull : .storage,
            failure.isFullDisk
                ? "\(what): the disk of this core is full; make room on it" : "\(what): \(failure)")
    }
}

extension ArtifactReference {
    /// Bytes of the content.
    var bytes: UInt64 { UInt64(clamping: size) }
}
