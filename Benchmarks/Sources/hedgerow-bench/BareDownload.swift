import Foundation
import GRPCCore
import GRPCProtobuf
import HedgerowAPI

/// `DownloadArtifact` without anything behind it: the same bytes again and again, from memory.
struct BareDownload: RegistrableRPCService {
    /// As large as the chunks of the cloud.
    static let chunkBytes = 256 << 10

    /// Bytes of one stream.
    let bytes: Int

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(
            forMethod: Hedgerow_Artifact_V1_ArtifactService.Method.DownloadArtifact.descriptor,
            deserializer: ProtobufDeserializer<Hedgerow_Artifact_V1_DownloadArtifactRequest>(),
            serializer: ProtobufSerializer<Hedgerow_Artifact_V1_DownloadArtifactResponse>()
        ) { _, _ in
            StreamingServerResponse { writer in
                var response = Hedgerow_Artifact_V1_DownloadArtifactResponse()
                response.chunk = Data(repeating: 0x5A, count: Self.chunkBytes)
                for _ in 0..<bytes / Self.chunkBytes { try await writer.write(response) }
                return [:]
            }
        }
    }
}
