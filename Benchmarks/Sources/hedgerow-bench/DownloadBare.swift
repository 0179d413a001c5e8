import ArgumentParser
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI

/// `hedgerow-bench download-bare`: takes a bare server stream of chunks and throws them away.
struct DownloadBare: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "download-bare", abstract: "Take a bare server stream, as fast as it comes.")

    @Option(help: "Directory with chain.pem, key.pem and root.pem.")
    var identity: String

    @Option(help: "Port of the server on loopback.")
    var to: Int

    @Option(help: "HTTP/2 receive window, bytes.")
    var window = 512 << 10

    func run() async throws {
        let transport = try HTTP2ClientTransport.Posix(
            target: .ipv4(address: "127.0.0.1", port: to),
            transportSecurity: try TLSFiles(directory: identity).client,
            config: .defaults { $0.http2.targetWindowSize = window })
        let (bytes, seconds) = try await withGRPCClient(transport: transport) { client in
            let service = Hedgerow_Artifact_V1_ArtifactService.Client(wrapping: client)
            // The connection is made first.
            _ = try await Self.take(service)
            let start = ContinuousClock.now
            let bytes = try await Self.take(service)
            return (bytes, start.duration(to: .now) / .seconds(1))
        }
        JSONLine.print(["bytes": Double(bytes), "seconds": seconds])
    }

    private static func take(
        _ service: Hedgerow_Artifact_V1_ArtifactService.Client<HTTP2ClientTransport.Posix>
    ) async throws -> Int {
        try await service.downloadArtifact(.init()) { response in
            var bytes = 0
            for try await message in response.messages { bytes += message.chunk.count }
            return bytes
        }
    }
}
