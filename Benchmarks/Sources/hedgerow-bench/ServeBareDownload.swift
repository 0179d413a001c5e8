import ArgumentParser
import GRPCCore
import GRPCNIOTransportHTTP2Posix

/// `hedgerow-bench serve-bare-download`: a gRPC server that streams bytes, and does nothing else.
struct ServeBareDownload: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve-bare-download", abstract: "Serve a bare server stream of chunks.")

    @Option(help: "Directory with chain.pem, key.pem and root.pem.")
    var identity: String

    @Option(help: "Bytes of one stream, a multiple of 256 KiB.")
    var bytes = 50 << 20

    func run() async throws {
        let server = BareServer.make(
            try TLSFiles(directory: identity), window: 512 << 10, coalescing: true,
            service: BareDownload(bytes: bytes))
        try await BareServer.serve(server)
    }
}
