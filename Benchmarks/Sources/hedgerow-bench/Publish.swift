import ArgumentParser
import Foundation
import GRPCCore

/// `hedgerow-bench publish`: full speed for some seconds, then until the last acknowledgement and commit.
struct Publish: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Publish at full speed to a core, or to a bare server.")

    @Option(help: "Directory with chain.pem and key.pem.")
    var identity: String

    @Option(help: "PEM file of the server's authorities; root.pem of the identity by default.")
    var roots: String?

    @Option(help: "The server: PORT or SERVER-NAME@PORT.")
    var to: Peer

    @Option(help: "Topic of the readings.")
    var topic = "bench/readings"

    @Option(help: "Readings of a batch, which is one request.")
    var batch = 100

    @Option(help: "Requests of one write.")
    var chunk = 1

    @Option(help: "Streams side by side, on one connection.")
    var streams = 1

    @Option(help: "Most requests of a stream without acknowledgement; 0 for no bound.")
    var inFlight = 0

    @Option(help: "How long to publish, seconds.")
    var seconds = 3.0

    @Option(help: "Most readings of each stream; a multiple of the batch.")
    var readings: UInt64 = .max

    @Flag(help: "Flush each write at once.")
    var flush = false

    @OptionGroup var cloud: CloudOptions

    func run() async throws {
        let files = try TLSFiles(directory: identity, roots: roots)
        let template = try BatchTemplate(
            topic: topic, readings: batch, base: UInt64(Date().timeIntervalSince1970))
        let (seconds, limit) = (seconds, readings)
        let result = try await to.withClient(files, coalescing: !flush) { client in
            // The connection stands before the clock runs.
            _ = try await PublishLoad(
                template: template, stream: "warm-up", inFlight: 1, chunk: 1, stop: .now
            ).run(client)
            return try await cloud.withCounter { counter in
                let before = try await counter?.settled() ?? 0
                let start = ContinuousClock.now
                let outcomes = try await withThrowingTaskGroup(of: PublishLoad.Outcome.self) { group in
                    for index in 0..<streams {
                        let load = PublishLoad(
                            template: template, stream: index == 0 ? "default" : "stream-\(index)",
                            inFlight: inFlight > 0 ? inFlight : nil, chunk: chunk,
                            stop: start + .seconds(seconds), limit: limit)
                        group.addTask { try await load.run(client) }
                    }
                    return try await group.reduce(into: [PublishLoad.Outcome]()) { $0.append($1) }
                }
                let published = outcomes.reduce(UInt64(0)) { $0 + $1.readings }
                let acknowledged = (outcomes.map(\.end).max() ?? start) - start
                var values = ["readings": Double(published), "acknowledged_s": acknowledged.seconds]
                if let counter {
                    try await counter.wait(for: before + published, within: .seconds(120))
                    values["committed_s"] = (ContinuousClock.now - start).seconds
                }
                return values
            }
        }
        JSONLine.print(result)
    }
}
