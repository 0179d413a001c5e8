import FoundationEssentials
import GRPCCore
import HedgerowAPI
import Logging
import PKI
import RPCSupport

extension ArtifactVault {
    /// What an upload says first.
    struct Start: Sendable {
        let digest: [UInt8]
        let size: UInt64
        let name: String
        let offset: UInt64
    }

    /// Takes an upload.
    ///
    /// - Parameters:
    ///   - next: the next bytes; nil at the end. Called by one task.
    ///   - time: the time of day.
    /// - Returns: what is stored, and whether it is new.
    /// - Throws: what `next` throws, and what ``ArtifactService`` says in its proto.
    func upload(
        _ start: Start, at time: @escaping @Sendable () -> Date,
        next: @escaping @Sendable () async throws -> Data?
    ) async throws -> (artifact: ArtifactRecord, created: Bool) {
        let claim = try await uploads.begin(start.digest, size: start.size)
        defer { uploads.end(claim) }
        if let stored = try await stored(start.digest) {
            guard stored.size == start.size else {
                throw Self.mismatch(start, "it has \(stored.size) bytes, announced were \(start.size)")
            }
            try await index.touch(start.digest, at: time())
            return (stored, false)
        }
        try await requireRoom(for: start.size, name: start.name)
        let path = partialPath(of: start.digest)
        let file = try await blocking {
            let held = PartialArtifact.held(at: path)
            guard start.offset <= held else {
                throw HedgerowError(
                    .outOfRange, .invalidField,
                    "the cloud holds \(held) bytes of \(start.name), and the upload begins at \(start.offset); ask "
                        + "GetArtifactUpload where to go on", details: ["held": "\(held)"])
            }
            return try PartialArtifact(
                path: path, digest: start.digest, size: start.size, keeping: start.offset)
        }
        do {
            let record = try await claim.run { try await receive(start, file, at: time, next: next) }
            return (record, true)
        } catch {
            // What came so far is worth keeping, unless it is known to be wrong.
            let isWrong = (error as? HedgerowError)?.reason == .artifactMismatch
            try? await BlockingIO.run { if isWrong { file.discard() } else { file.close() } }
            throw error
        }
    }

    private func receive(
        _ start: Start, _ file: PartialArtifact, at time: @escaping @Sendable () -> Date,
        next: @escaping @Sendable () async throws -> Data?
    ) async throws -> ArtifactRecord {
        while let chunk = try await next() {
            try Task.checkCancellation()
            try await writing(start) { try file.append(chunk) }
        }
        try Task.checkCancellation()
        try await writing(start) { try file.verify() }
        let final = path(of: start.digest)
        let now = time()
        let new = ArtifactRecord(
            digest: start.digest, size: start.size, name: start.name, createTime: now, useTime: now)
        let record: ArtifactRecord
        do {
            record = try await index.add(new) {
                try DurableFile.makeDirectory(String(final.dropLast(2 * ArtifactLimits.digestBytes + 1)))
                try file.publish(to: final)
            }
        } catch let failure as FileFailure {
            logger.error("an artifact did not get its place", metadata: ["error": "\(failure)"])
            throw StoreError.storageFailed(failure.description)
        }
        logger.notice(
            "artifact stored",
            metadata: [
                "artifact.digest": "\(ArtifactDigest.text(start.digest))", "artifact.name": "\(start.name)",
                "artifact.bytes": "\(start.size)",
            ])
        return record
    }

    /// Works on the growing file, and says what is wrong with it in words of the wire.
    private func writing(_ start: Start, _ body: @escaping @Sendable () throws -> Void) async throws {
        do {
            try await blocking(body)
        } catch let error as ArtifactFileError {
            switch error {
            case .file(let failure):
                logger.error(
                    "a file of an artifact could not be read or written", metadata: ["error": "\(failure)"])
                throw StoreError.storageFailed(failure.description)
            case .otherDigest, .tooLong:
                throw Self.mismatch(start, error.description)
            case .incomplete(let held, let size):
                throw HedgerowError(
                    .invalidArgument, .invalidField,
                    "the upload of \(start.name) ended after \(held) of \(size) bytes; they are kept, go on from there",
                    details: ["held": "\(held)"])
            }
        }
    }

    private static func mismatch(_ start: Start, _ what: String) -> HedgerowError {
        HedgerowError(
            .invalidArgument, .artifactMismatch,
            "\(start.name) is not what was announced: \(what); nothing of it is kept, upload the right file")
    }
}
