import FoundationEssentials
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import RPCSupport

/// The cloud: each stream is a connection of its own, so that a large file never holds up anything else, and its window
/// is small, so that no more than a few chunks wait in memory.
struct CloudArtifactSource: ArtifactSource {
    /// Bytes that the cloud may send before this core has taken them.
    static let windowBytes = 512 << 10

    let dialer: CloudDialer

    func stream(
        _ digest: [UInt8], from offset: UInt64, take: @escaping @Sendable (Data) async throws -> Void
    ) async throws {
        try await dialer.withClient(windowSize: Self.windowBytes) { client in
            var request = Hedgerow_Artifact_V1_DownloadArtifactRequest()
            request.digest = Data(digest)
            request.offsetBytes = offset
            try await Hedgerow_Artifact_V1_ArtifactService.Client(wrapping: client)
                .downloadArtifact(request) { response in
                    for try await message in response.messages where !message.chunk.isEmpty {
                        try await take(message.chunk)
                    }
                }
        }
    }
}
