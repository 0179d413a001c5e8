import ArgumentParser
import Foundation
import GRPCCore

/// `hedgerow-bench await-core`: started before a core, says when that had answered a thing's first request.
struct AwaitCore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "await-core",
        abstract:
            "Wait for a core that is being started, open a session, print the monotonic time in seconds.")

    @Option(help: "Directory with chain.pem and key.pem of the thing.")
    var identity: String

    @Option(help: "PEM file of the core's authorities.")
    var roots: String

    @Option(help: "The core: SERVER-NAME@PORT.")
    var to: Peer

    @Option(help: "Topic of the readings.")
    var topic = "bench/readings"

    func run() async throws {
        let files = try TLSFiles(directory: identity, roots: roots)
        let template = try BatchTemplate(
            topic: topic, readings: 1, base: UInt64(Date().timeIntervalSince1970))
        JSONLine.print(["ready": 1])
        let deadline = ContinuousClock.now + .seconds(60)
        while !to.accepts() {
            guard ContinuousClock.now < deadline else {
                throw RPCError(code: .unavailable, message: "no core listens on port \(to.port)")
            }
            try await Task.sleep(for: .milliseconds(1))
        }
        let accepted = MonotonicTime.now()
        try await to.withClient(files, coalescing: false) { client in
            _ = try await PublishLoad(
                template: template, stream: "await", inFlight: 1, chunk: 1, stop: .now
            ).run(client)
        }
        JSONLine.print(["accepted_s": accepted, "answered_s": MonotonicTime.now()])
    }
}
