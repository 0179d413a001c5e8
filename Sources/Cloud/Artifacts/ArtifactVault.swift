import FoundationEssentials
import GRPCCore
import HedgerowAPI
import Logging
import PKI
import RPCSupport

/// The files of artifacts: `artifacts/ab/abcdef…` in the state directory, unfinished ones in `artifacts/partial/`.
///
/// Which of them count is in the ``ArtifactIndex``; a file that is not in it is nobody's and goes with the next
/// ``collect(at:)``.
struct ArtifactVault: Sendable {
    let index: any ArtifactIndex
    let uploads = ArtifactUploads()
    let directory: String
    let limits: CloudConfiguration.Artifacts
    let logger: Logger

    /// Makes the directories. Blocks: not for the cooperative pool.
    ///
    /// - Throws: `FileFailure`.
    init(
        index: any ArtifactIndex, directory: String, limits: CloudConfiguration.Artifacts, logger: Logger
    ) throws {
        self.index = index
        self.directory = directory
        self.limits = limits
        self.logger = logger
        try DurableFile.makeDirectory(directory + "/partial")
    }

    /// Where the file of a digest is.
    func path(of digest: [UInt8]) -> String {
        let text = ArtifactDigest.text(digest)
        return "\(directory)/\(text.prefix(2))/\(text)"
    }

    /// Where the file of a digest grows.
    func partialPath(of digest: [UInt8]) -> String { directory + "/partial/" + ArtifactDigest.text(digest) }

    // MARK: Looking up

    /// An artifact whose file is there; nil where there is none.
    ///
    /// - Parameter verify: read the file and compare its digest. Damaged, it is forgotten.
    func stored(_ digest: [UInt8], verify: Bool = false) async throws -> ArtifactRecord? {
        guard let record = try await index.artifact(digest) else { return nil }
        let path = path(of: digest)
        let isWhole = try await blocking {
            if verify, let found = try ArtifactDigest.of(file: path) {
                return found.digest == digest && found.size == record.size
            }
            return FileStatus(path: path).map { UInt64(clamping: $0.size) == record.size } ?? false
        }
        if isWhole { return record }
        logger.error(
            "the file of an artifact is missing or damaged; upload it again (hedgerow artifacts push FILE)",
            metadata: [
                "artifact.digest": "\(ArtifactDigest.text(digest))", "artifact.name": "\(record.name)",
            ])
        return nil
    }

    /// What is held of a file that is not complete.
    func held(_ digest: [UInt8]) async throws -> UInt64 {
        let path = partialPath(of: digest)
        return try await blocking { PartialArtifact.held(at: path) }
    }

    /// Opens a file for reading.
    ///
    /// - Throws: DATA_LOSS `ARTIFACT_MISMATCH` where it is missing, or of another length.
    func open(_ record: ArtifactRecord) async throws -> OpenArtifact {
        let path = path(of: record.digest)
        let file = try await blocking { try OpenArtifact(path: path) }
        guard let file, file.size == record.size else {
            throw HedgerowError(
                .dataLoss, .artifactMismatch,
                "the cloud's file of artifact \(ArtifactDigest.text(record.digest)) (\(record.name)) is missing or damaged; "
                    + "upload it again (hedgerow artifacts push FILE)")
        }
        return file
    }

    // MARK: Room

    /// Bytes that are taken: artifacts, unfinished files, and what is announced of those that are being uploaded.
    func taken() async throws -> UInt64 {
        let folder = directory + "/partial"
        var unfinished = try await blocking { Self.unfinished(in: folder) }
        for (digest, size) in uploads.sizes { unfinished[digest] = max(unfinished[digest] ?? 0, size) }
        return unfinished.values.reduce(try await index.totalBytes(), +)
    }

    /// Refuses what is too large, or too much with all else. The upload itself has begun.
    ///
    /// - Throws: RESOURCE_EXHAUSTED `QUOTA_EXCEEDED`.
    func requireRoom(for size: UInt64, name: String) async throws {
        guard size <= limits.maximumSize else {
            throw HedgerowError(
                .resourceExhausted, .quotaExceeded,
                "\(name) has \(ByteText.text(size)), and an artifact may have at most \(ByteText.text(limits.maximumSize)); make "
                    + "it smaller, or raise artifacts.maxSize of the cloud")
        }
        let taken = try await taken()
        guard taken <= limits.maximumTotalSize else {
            throw HedgerowError(
                .resourceExhausted, .quotaExceeded,
                "\(name) with its \(ByteText.text(size)) does not fit: artifacts would take \(ByteText.text(taken)) of "
                    + "\(ByteText.text(limits.maximumTotalSize)); raise artifacts.maxTotalSize of the cloud, or wait until "
                    + "what no component names is removed")
        }
    }

    // MARK: Files

    /// Runs what blocks, and says what a failing disk means.
    func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        do {
            return try await BlockingIO.run(body)
        } catch let failure as FileFailure {
            logger.error(
                "a file of an artifact could not be read or written", metadata: ["error": "\(failure)"])
            throw StoreError.storageFailed(failure.description)
        }
    }

    /// The names in a folder; none where it is not there.
    static func names(in folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    }

    /// Unfinished files in a folder, with their lengths.
    static func unfinished(in folder: String) -> [[UInt8]: UInt64] {
        var files: [[UInt8]: UInt64] = [:]
        for name in names(in: folder) {
            guard let digest = ArtifactDigest.parse(name), let status = FileStatus(path: folder + "/" + name)
            else {
                continue
            }
            files[digest] = UInt64(clamping: status.size)
        }
        return files
    }
}
