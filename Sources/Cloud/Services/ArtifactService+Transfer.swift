import FoundationEssentials
import GRPCCore
import HedgerowAPI
import Identity
import Logging
import PKI
import RPCSupport

extension ArtifactService {
    func uploadArtifact(
        request: RPCAsyncSequence<Hedgerow_Artifact_V1_UploadArtifactRequest, any Error>,
        context: ServerContext
    ) async throws -> Hedgerow_Artifact_V1_UploadArtifactResponse {
        try AuthorizationTable.cloud.authorize(context, for: .none)
        let (artifact, created) = try await untilCancelled(context) {
            let requests = UploadRequests(request)
            let start = try await requests.start()
            return try await cloud.artifacts.upload(start, at: { cloud.now }, next: requests.chunk)
        }
        var response = Hedgerow_Artifact_V1_UploadArtifactResponse()
        response.artifact = Hedgerow_Artifact_V1_Artifact(artifact)
        response.created = created
        return response
    }

    func downloadArtifact(
        request: Hedgerow_Artifact_V1_DownloadArtifactRequest,
        response: RPCWriter<Hedgerow_Artifact_V1_DownloadArtifactResponse>, context: ServerContext
    ) async throws {
        let caller = try context.peer().principal
        try AuthorizationTable.cloud.authorize(
            context, for: caller.role == .core ? .core(caller.name) : .none)
        let digest = try Self.digest(request.digest)
        if caller.role == .core {
            guard try await cloud.artifacts.index.mayDownload(digest, core: caller.name) else {
                throw HedgerowError(
                    .permissionDenied, .notYourResource,
                    "no deployment has told \(caller) to run a component that names artifact "
                        + ArtifactDigest.text(digest))
            }
        }
        let record = try await artifact(digest)
        let offset = request.offsetBytes
        guard offset <= record.size else {
            throw HedgerowError(
                .outOfRange, .invalidField,
                "offset_bytes is \(offset), and artifact \(record.name) has \(record.size) bytes; begin at 0")
        }
        let file = try await cloud.artifacts.open(record)
        try await untilCancelled(context) { try await send(file, from: offset, to: response) }
    }

    /// One chunk at a time: the next is read when the last has found room in the connection.
    private func send(
        _ file: OpenArtifact, from offset: UInt64,
        to response: RPCWriter<Hedgerow_Artifact_V1_DownloadArtifactResponse>
    ) async throws {
        var message = Hedgerow_Artifact_V1_DownloadArtifactResponse()
        message.sizeBytes = file.size
        var position = offset
        repeat {
            let next = position
            message.chunk = try await cloud.artifacts.blocking {
                try file.read(at: next, count: ArtifactLimits.chunkBytes)
            }
            try await response.write(message)
            message.sizeBytes = 0
            position += UInt64(message.chunk.count)
        } while position < file.size && !message.chunk.isEmpty
    }
}

/// The requests of an upload, one after the other.
///
/// The call's own task awaits `start()`, and only then hands `chunk` to the upload, which awaits each chunk before the
/// next and is itself awaited by the call.
// Sendable: for the reason above `iterator` is never used by two tasks at once.
private final class UploadRequests: @unchecked Sendable {
    typealias Request = Hedgerow_Artifact_V1_UploadArtifactRequest

    private var iterator: RPCAsyncSequence<Request, any Error>.AsyncIterator

    init(_ requests: RPCAsyncSequence<Request, any Error>) { iterator = requests.makeAsyncIterator() }

    /// The first request.
    func start() async throws -> ArtifactVault.Start {
        guard case .start(let start) = try await iterator.next()?.part else {
            throw HedgerowError(violations: [
                .init(field: "start", description: "is missing; the first request says what is uploaded")
            ])
        }
        var check = RequestCheck()
        check.require(
            start.digest.count == ArtifactLimits.digestBytes, "start.digest",
            "has \(start.digest.count) bytes; a SHA-256 has \(ArtifactLimits.digestBytes)")
        check.require(
            (1...ArtifactLimits.nameBytes).contains(start.name.utf8.count)
                && start.name.unicodeScalars.allSatisfy { $0 != "/" && $0.value >= 0x20 && $0.value != 0x7F },
            "start.name",
            "is no file name: 1 to \(ArtifactLimits.nameBytes) bytes without / and control characters")
        check.require(
            start.offsetBytes <= start.sizeBytes, "start.offset_bytes",
            "is \(start.offsetBytes), above the size of \(start.sizeBytes)")
        try check.finish()
        return ArtifactVault.Start(
            digest: [UInt8](start.digest), size: start.sizeBytes, name: start.name, offset: start.offsetBytes)
    }

    /// The next chunk; nil at the end.
    @Sendable func chunk() async throws -> Data? {
        guard let request = try await iterator.next() else { return nil }
        guard case .chunk(let chunk) = request.part else {
            throw HedgerowError(violations: [
                .init(field: "chunk", description: "is missing; requests behind the first carry bytes only")
            ])
        }
        guard chunk.count <= ArtifactLimits.chunkBytes else {
            throw HedgerowError(violations: [
                .init(
                    field: "chunk",
                    description: "has \(chunk.count) bytes; at most \(ArtifactLimits.chunkBytes) are allowed")
            ])
        }
        return chunk
    }
}
