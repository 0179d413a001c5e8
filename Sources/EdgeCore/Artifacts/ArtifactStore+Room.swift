import Components
import FoundationEssentials
import Logging
import PKI
import RPCSupport

extension ArtifactStore {
    /// A file of the directory.
    struct StoredFile: Sendable {
        let digest: [UInt8]
        let isPartial: Bool
        let size: UInt64
        /// Seconds since 1970.
        let used: Int64
    }

    /// Removes what is in the way of files that are to come, the least recently used first. Blocks.
    ///
    /// - Parameters:
    ///   - references: what is wanted.
    ///   - missing: what of that is not here.
    /// - Throws: ``ArtifactProblem`` `quota`, `diskFull`; nothing was removed then that anybody may want.
    func makeRoom(for references: [ArtifactReference], missing: [ArtifactReference]) throws {
        if missing.isEmpty { return }
        let wanted = Set(references.map(\.digest))
        let files = stored()
        let removable = removable(beside: wanted)
        let coming = missing.reduce(UInt64(0)) { $0 + $1.bytes }
        let held = files.filter { $0.isPartial && wanted.contains($0.digest) }.reduce(UInt64(0)) {
            $0 + $1.size
        }
        let here = files.reduce(UInt64(0)) { $0 + $1.size } - min(held, coming)
        let free = FreeSpace.bytes(at: directory)
        // So much must go for the quota, and so much for the disk.
        let overQuota = Self.excess(here + coming, over: maximum)
        let overDisk = free.map { Self.excess(coming - min(held, coming) + Self.spareBytes, over: $0) } ?? 0
        let canGo = removable.reduce(UInt64(0)) { $0 + $1.size }
        guard overQuota <= canGo else {
            let stays = here - min(canGo, here)
            throw ArtifactProblem(
                .quota,
                "artifacts of \(ByteText.text(coming)) are to come, and \(ByteText.text(stays)) of those here must stay: more "
                    + "than the \(ByteText.text(maximum)) of artifacts.maximum; raise it, or use smaller ones"
            )
        }
        guard overDisk <= canGo else {
            throw ArtifactProblem(
                .diskFull,
                "artifacts of \(ByteText.text(coming)) are to come, and only \(ByteText.text(free ?? 0)) are free on the disk "
                    + "of this core, of which \(ByteText.text(Self.spareBytes)) stay so; make room on it")
        }
        var excess = max(overQuota, overDisk)
        for file in removable where excess > 0 {
            try remove(file)
            excess -= min(excess, file.size)
            logger.info(
                "artifact removed to make room",
                metadata: ["artifact.digest": "\(ArtifactDigest.text(file.digest))"])
        }
    }

    /// What nobody needs beside what is wanted: unfinished files first, then the least recently used. Blocks.
    func removable(beside wanted: Set<[UInt8]>) -> [StoredFile] {
        guard let retained else { return [] }
        return stored().filter {
            !wanted.contains($0.digest) && !($0.isPartial ? false : retained.contains($0.digest))
        }
        .sorted { ($0.isPartial ? 0 : 1, $0.used) < ($1.isPartial ? 0 : 1, $1.used) }
    }

    /// Removes a file. Blocks.
    func remove(_ file: StoredFile) throws {
        if file.isPartial { return try PartialArtifact.remove(at: partialPath(file.digest)) }
        forget(file.digest)
        try DurableFile.remove(filePath(file.digest))
    }

    /// Removes what a crash left of a note on how much of a file is on the disk. Nobody writes one now. Blocks.
    func removeLeftovers() throws {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        where name.contains(".tmp-") {
            try DurableFile.remove(directory + "/" + name)
        }
    }

    /// The files that are here. Blocks.
    func stored() -> [StoredFile] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.compactMap { name in
            let isPartial = name.hasSuffix(".partial")
            guard let digest = ArtifactDigest.parse(isPartial ? name.dropLast(8) : name[...]),
                let status = FileStatus(path: directory + "/" + name), !status.isDirectory
            else { return nil }
            return StoredFile(
                digest: digest, isPartial: isPartial, size: UInt64(clamping: status.size),
                used: status.modificationTime)
        }
    }

    private static func excess(_ bytes: UInt64, over limit: UInt64) -> UInt64 {
        bytes > limit ? bytes - limit : 0
    }
}
