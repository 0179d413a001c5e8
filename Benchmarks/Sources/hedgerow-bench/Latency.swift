import ArgumentParser

/// `hedgerow-bench latency`: one thing at a steady rate; how long until a reading is acknowledged, and until
/// the cloud has committed it and tells a subscriber.
struct Latency: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "latency",
        abstract: "Publish steadily, and measure the time to acknowledgement and commit.")

    @Option(help: "Directory with chain.pem and key.pem of the thing.")
    var identity: String

    @Option(help: "PEM file of the core's authorities.")
    var roots: String

    @Option(help: "The core: SERVER-NAME@PORT.")
    var to: Peer

    @Option(help: "The cloud: SERVER-NAME@PORT.")
    var cloud: Peer

    @Option(help: "Directory of an operator's identity.")
    var operatorIdentity: String

    @Option(help: "Topic of the readings.")
    var topic = "bench/readings"

    @Option(help: "Topic on which the cloud gets what was made of them.")
    var storedTopic = "republish/reading"

    @Option(help: "Readings per second.")
    var rate = 20.0

    @Option(help: "Readings that are measured; as many as come in two seconds go before, unmeasured.")
    var count = 400

    func run() async throws {
        let log = LatencyLog()
        let core = try TLSFiles(directory: identity, roots: roots)
        let warmUp = Int(rate * 2)
        let total = UInt64(warmUp + count)
        let publisher = SteadyPublisher(topic: topic, stream: "latency", rate: rate, log: log)
        let observer = DeliveryObserver(topics: [storedTopic], logs: [publisher.epoch: log])
        try await cloud.withClient(try TLSFiles(directory: operatorIdentity), coalescing: false) {
            observing in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await observer.run(observing) }
                try await to.withClient(core, coalescing: false) { publishing in
                    try await publisher.run(publishing) { $0 > total }
                }
                // All is on the core's disk; what the cloud has to tell comes within moments.
                let deadline = ContinuousClock.now + .seconds(10)
                while log.counts.committed < total, ContinuousClock.now < deadline {
                    try await Task.sleep(for: .milliseconds(5))
                }
                group.cancelAll()
            }
        }
        JSONLine.print(LatencyLog.summary(of: log.entries.dropFirst(warmUp)))
    }
}
