import Components
import FoundationEssentials
import GRPCCore
import HedgerowAPI
import Identity
import PKI
import RPCSupport
import SwiftProtobuf

/// Takes and gives artifacts.
struct ArtifactService: Hedgerow_Artifact_V1_ArtifactService.SimpleServiceProtocol {
    let cloud: CloudContext

    init(_ cloud: CloudContext) { self.cloud = cloud }

    func getArtifactUpload(
        request: Hedgerow_Artifact_V1_GetArtifactUploadRequest, context: ServerContext
    ) async throws -> Hedgerow_Artifact_V1_GetArtifactUploadResponse {
        try AuthorizationTable.cloud.authorize(context, for: .none)
        let digest = try Self.digest(request.digest)
        var response = Hedgerow_Artifact_V1_GetArtifactUploadResponse()
        if let stored = try await cloud.artifacts.stored(digest, verify: request.verify) {
            try await cloud.artifacts.index.touch(digest, at: cloud.now)
            response.artifact = Hedgerow_Artifact_V1_Artifact(stored)
            response.heldBytes = stored.size
        } else {
            if request.verify { try await forgetDamaged(digest) }
            response.heldBytes = try await cloud.artifacts.held(digest)
            response.active = cloud.artifacts.uploads.isActive(digest)
        }
        return response
    }

    /// Makes place for an upload of what turned out to be damaged.
    private func forgetDamaged(_ digest: [UInt8]) async throws {
        let path = cloud.artifacts.path(of: digest)
        try await cloud.artifacts.index.forget(digest) { try DurableFile.remove(path) }
    }

    func getArtifact(
        request: Hedgerow_Artifact_V1_GetArtifactRequest, context: ServerContext
    ) async throws -> Hedgerow_Artifact_V1_GetArtifactResponse {
        try AuthorizationTable.cloud.authorize(context, for: .none)
        let digest = try Self.digest(request.digest)
        var response = Hedgerow_Artifact_V1_GetArtifactResponse()
        response.artifact = Hedgerow_Artifact_V1_Artifact(try await artifact(digest))
        return response
    }

    func listArtifacts(
        request: Hedgerow_Artifact_V1_ListArtifactsRequest, context: ServerContext
    ) async throws -> Hedgerow_Artifact_V1_ListArtifactsResponse {
        try AuthorizationTable.cloud.authorize(context, for: .none)
        var check = RequestCheck()
        check.require(
            request.digestPrefix.utf8.count <= 2 * ArtifactLimits.digestBytes
                && request.digestPrefix.utf8.allSatisfy(Self.isHexadecimal), "digest_prefix",
            "is no beginning of a digest; it has at most 64 of the digits 0-9 a-f")
        try check.finish()
        let size = try Paging.size(request.pageSize)
        let list = "artifacts/\(request.digestPrefix)"
        let after = try Paging.last(in: request.pageToken, list: list).map(Self.digest(inToken:))
        let records = try await cloud.artifacts.index.artifacts(
            after: after ?? [], prefix: request.digestPrefix, limit: size + 1)
        let page = Paging.page(records.map(Hedgerow_Artifact_V1_Artifact.init), size: size)
        var response = Hedgerow_Artifact_V1_ListArtifactsResponse()
        response.artifacts = page.entries
        if page.more, let last = page.entries.last {
            response.nextPageToken = Paging.token(list: list, after: ArtifactDigest.text(last.digest))
        }
        response.totalBytes = try await cloud.artifacts.taken()
        response.maximumBytes = cloud.artifacts.limits.maximumTotalSize
        return response
    }

    // MARK: Parts

    /// An artifact.
    ///
    /// - Throws: `NOT_FOUND`.
    func artifact(_ digest: [UInt8]) async throws -> ArtifactRecord {
        guard let artifact = try await cloud.artifacts.index.artifact(digest) else {
            throw StoreError.notFound(
                "no artifact \(ArtifactDigest.text(digest)) is stored; upload it (hedgerow artifacts push FILE)"
            )
        }
        return artifact
    }

    /// Checks a digest.
    static func digest(_ digest: Data, _ field: String = "digest") throws(HedgerowError) -> [UInt8] {
        var check = RequestCheck()
        check.require(
            digest.count == ArtifactLimits.digestBytes, field,
            "has \(digest.count) bytes; a SHA-256 has \(ArtifactLimits.digestBytes)")
        try check.finish()
        return [UInt8](digest)
    }

    private static func digest(inToken text: String) throws(HedgerowError) -> [UInt8] {
        guard let digest = ArtifactDigest.parse(text) else { throw Paging.foreignToken }
        return digest
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}

extension Hedgerow_Artifact_V1_Artifact {
    /// An artifact on the wire.
    init(_ record: ArtifactRecord) {
        self.init()
        digest = Data(record.digest)
        sizeBytes = record.size
        name = record.name
        createTime = Google_Protobuf_Timestamp(date: record.createTime)
        useTime = Google_Protobuf_Timestamp(date: record.useTime)
        users = record.users.map { user in
            var entry = Hedgerow_Artifact_V1_ArtifactUser()
            entry.component = user.component
            entry.version = user.version.description
            return entry
        }
    }
}
