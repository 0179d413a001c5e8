import FoundationEssentials
import Logging
import PKI
import RPCSupport

extension ArtifactVault {
    /// Removes what nothing needs any more: artifacts that no component version names and that were not used for the
    /// grace period, uploads that nobody went on with for as long, and files that no artifact has.
    ///
    /// - Parameter now: the time of day.
    func collect(at now: Date) async throws {
        let before = now.adding(.zero - limits.keepUnused)
        let forgotten = try await index.forgetUnused(since: before)
        for digest in forgotten { try await removeFile(digest) }
        if !forgotten.isEmpty {
            logger.notice(
                "artifacts removed that no component names",
                metadata: ["artifacts.count": "\(forgotten.count)"])
        }
        try await removeStrays()
        try await removeUnfinished(before: before)
    }

    private func removeFile(_ digest: [UInt8]) async throws {
        let path = path(of: digest)
        // Within the database's one writer: somebody may have uploaded it again by now.
        try await index.removeUnlessStored(digest) { try DurableFile.remove(path) }
    }

    /// Files without an artifact: a removal or an upload was cut short between file and database.
    private func removeStrays() async throws {
        let folder = directory
        let files = try await blocking {
            Self.names(in: folder).filter { $0.utf8.count == 2 }.flatMap { part in
                Self.names(in: folder + "/" + part).compactMap { ArtifactDigest.parse($0) }
            }
        }
        for digest in files where try await index.artifact(digest) == nil { try await removeFile(digest) }
    }

    private func removeUnfinished(before: Date) async throws {
        let folder = directory + "/partial"
        let limit = Int64(before.timeIntervalSince1970)
        let old = try await blocking {
            // What a crash left of a note on how much of an upload is on the disk.
            for name in Self.names(in: folder) where name.contains(".tmp-") {
                let path = folder + "/" + name
                if let status = FileStatus(path: path), status.modificationTime < limit {
                    try DurableFile.remove(path)
                }
            }
            return Self.unfinished(in: folder).keys.filter { digest in
                FileStatus(path: folder + "/" + ArtifactDigest.text(digest))
                    .map { $0.modificationTime < limit } ?? false
            }
        }
        for digest in old {
            guard let claim = uploads.beginWhereIdle(digest) else { continue }
            defer { uploads.end(claim) }
            let path = partialPath(of: digest)
            try await blocking { try PartialArtifact.remove(at: path) }
            logger.notice(
                "an upload removed that was not finished",
                metadata: ["artifact.digest": "\(ArtifactDigest.text(digest))"])
        }
    }
}
