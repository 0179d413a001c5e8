import ArgumentParser
import GRPCCore
import Synchronization

/// `hedgerow-bench drain`: started while the cloud is away and a core holds a backlog; the cloud is started
/// then.
///
/// A live thing publishes all the time, on the stream of the backlog and on one of a higher priority. The
/// clock runs from the last look at which the cloud had nothing of the backlog until it has committed all of
/// it; so it begins a little too early rather than too late.
struct Drain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Wait until the cloud has committed a backlog, and measure live readings meanwhile.")

    @Option(help: "Directory with chain.pem and key.pem of the live thing.")
    var identity: String

    @Option(help: "PEM file of the core's authorities.")
    var roots: String

    @Option(help: "The core: SERVER-NAME@PORT.")
    var to: Peer

    @Option(help: "The cloud: SERVER-NAME@PORT.")
    var cloud: Peer

    @Option(help: "Directory of an operator's identity.")
    var operatorIdentity: String

    @Option(help: "Name of the thing whose backlog it is.")
    var thing = "bench-1"

    @Option(help: "Readings of that thing that the cloud had before the outage.")
    var before: UInt64

    @Option(help: "Readings of the backlog.")
    var backlog: UInt64

    @Option(help: "Topic that shares the backlog's stream.")
    var liveTopic = "bench/live"

    @Option(help: "Topic of the stream with a higher priority.")
    var urgentTopic = "bench/urgent"

    @Option(help: "Live readings per second, on each of the two.")
    var rate = 20.0

    /// When the backlog went.
    private struct Span: Sendable {
        let start: ContinuousClock.Instant
        let end: ContinuousClock.Instant
        /// Readings that were committed in it.
        let readings: UInt64
    }

    /// Told to the publishers.
    private final class Switch: Sendable {
        private let value = Mutex(false)
        var isOver: Bool { value.withLock { $0 } }
        func end() { value.withLock { $0 = true } }
    }

    func run() async throws {
        let over = Switch()
        let live = SteadyPublisher(topic: liveTopic, stream: "live", rate: rate, log: LatencyLog())
        let urgent = SteadyPublisher(topic: urgentTopic, stream: "urgent", rate: rate, log: LatencyLog())
        let files = try TLSFiles(directory: identity, roots: roots)
        let span = try await to.withClient(files, coalescing: false) { core in
            try await withThrowingTaskGroup(of: Span?.self) { group in
                for publisher in [live, urgent] {
                    group.addTask {
                        try await publisher.run(core) { _ in over.isOver }
                        return nil
                    }
                }
                group.addTask { try await watch(live: live, urgent: urgent, over) }
                var found: Span?
                while let result = try await group.next() { found = result ?? found }
                return found
            }
        }
        guard let span else { return }
        var values = [
            "seconds": (span.end - span.start).seconds, "readings": Double(span.readings),
        ]
        for (publisher, prefix) in [(live, "live_"), (urgent, "urgent_")] {
            let during = publisher.log.entries.filter { $0.sent >= span.start && $0.sent < span.end }
            values["\(prefix)sent"] = Double(during.count)
            values.merge(LatencyLog.summary(of: during, prefix: prefix)) { $1 }
        }
        JSONLine.print(values)
    }

    /// Watches the cloud from its start until all is there, the live readings of that time included.
    private func watch(live: SteadyPublisher, urgent: SteadyPublisher, _ over: Switch) async throws -> Span {
        let files = try TLSFiles(directory: operatorIdentity)
        JSONLine.print(["ready": 1])
        try await waitForCloud()
        let observer = DeliveryObserver(
            topics: [liveTopic, urgentTopic], logs: [live.epoch: live.log, urgent.epoch: urgent.log])
        return try await cloud.withClient(files, coalescing: false) { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await observer.run(client) }
                let span = try await span(CloudCounter(client: client, thing: thing))
                let sent = [live, urgent].map(\.log.counts.sent)
                over.end()
                // What was sent until then is committed within moments, where lanes are fair.
                let deadline = ContinuousClock.now + .seconds(20)
                while ContinuousClock.now < deadline,
                    zip([live, urgent], sent).contains(where: { $0.log.counts.committed < $1 })
                {
                    try await Task.sleep(for: .milliseconds(5))
                }
                group.cancelAll()
                return span
            }
        }
    }

    private func span(_ counter: CloudCounter) async throws -> Span {
        let deadline = ContinuousClock.now + .seconds(120)
        var start = ContinuousClock.now
        var first = try await counter.count().received
        while true {
            let asked = ContinuousClock.now
            let (received, lost) = try await counter.count()
            let answered = ContinuousClock.now
            if received <= before { (start, first) = (asked, received) }
            if received >= before + backlog {
                return Span(start: start, end: answered, readings: received - first)
            }
            guard lost == 0, answered < deadline else {
                throw RPCError(
                    code: .dataLoss,
                    message: "\(received) of \(before + backlog) readings are committed, \(lost) are lost")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Tries until somebody answers; a connection of grpc-swift's own would pause between its attempts.
    private func waitForCloud() async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while !cloud.accepts() {
            guard ContinuousClock.now < deadline else {
                throw RPCError(code: .unavailable, message: "no cloud listens on port \(cloud.port)")
            }
            try await Task.sleep(for: .milliseconds(2))
        }
    }
}
