import ArgumentParser
import GRPCCore
import GRPCNIOTransportHTTP2Posix

/// `hedgerow-bench serve-bare`: a gRPC server that decodes what comes, and does nothing else.
struct ServeBare: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve-bare", abstract: "Serve a bare Publish stream: decode, count, acknowledge.")

    @Option(help: "Directory with chain.pem, key.pem and root.pem.")
    var identity: String

    @Option(help: "HTTP/2 receive window, bytes.")
    var window = 65_535

    @Flag(help: "Acknowledge each request; without it once at the end.")
    var acknowledge = false

    @Flag(help: "Flush each write at once.")
    var flush = false

    func run() async throws {
        let server = BareServer.make(
            try TLSFiles(directory: identity), window: window, coalescing: !flush,
            service: BareService(acknowledgesEach: acknowledge))
        try await BareServer.serve(server)
    }
}
