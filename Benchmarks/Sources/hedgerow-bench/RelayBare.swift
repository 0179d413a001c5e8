import ArgumentParser
import GRPCCore
import GRPCNIOTransportHTTP2Posix

/// `hedgerow-bench relay-bare`: a second hop that decodes, computes, encodes, and nothing else.
struct RelayBare: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay-bare",
        abstract: "Relay a Publish stream to another server, with the formula applied and no disk.")

    @Option(help: "Directory with chain.pem, key.pem and root.pem.")
    var identity: String

    @Option(help: "HTTP/2 receive window, bytes.")
    var window = 524_288

    @Option(help: "Port of the server behind.")
    var to: Peer

    @Flag(help: "Flush each write at once.")
    var flush = false

    func run() async throws {
        let files = try TLSFiles(directory: identity)
        let (window, flush) = (window, flush)
        try await to.withClient(files, coalescing: !flush) { client in
            let server = BareServer.make(
                files, window: window, coalescing: !flush, service: RelayService(client: client))
            try await BareServer.serve(server)
        }
    }
}
