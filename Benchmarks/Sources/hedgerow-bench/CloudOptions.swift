import ArgumentParser
import GRPCCore
import GRPCNIOTransportHTTP2Posix

/// The cloud and an operator's identity, from the command line.
struct CloudOptions: ParsableArguments {
    @Option(help: "The cloud: SERVER-NAME@PORT.")
    var cloud: Peer?

    @Option(help: "Directory of an operator's identity.")
    var operatorIdentity: String?

    @Option(help: "Name of the thing that publishes.")
    var thing = "bench-1"

    /// Runs a body with a counter, nil where no cloud is named.
    func withCounter<Value: Sendable>(
        _ body: @Sendable (CloudCounter?) async throws -> Value
    ) async throws -> Value {
        guard let cloud, let operatorIdentity else { return try await body(nil) }
        let thing = thing
        return try await cloud.withClient(try TLSFiles(directory: operatorIdentity), coalescing: false) {
            client in
            try await body(CloudCounter(client: client, thing: thing))
        }
    }
}
