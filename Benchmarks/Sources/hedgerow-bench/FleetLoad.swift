import ArgumentParser
import Foundation
import GRPCCore
import ThingClient

/// `hedgerow-bench fleet-load`: many things, each with an identity and a connection of its own, all by the
/// client library; then the core is killed and started again, and all come back at once.
struct FleetLoad: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet-load",
        abstract: "Run many things that publish steadily, through a restart of the core.",
        discussion: """
            Prints a line of JSON when all are connected, one when the steady part is over (the core is to \
            be killed and started again then), and one when all are back.
            """)

    @Option(help: "Where `enroll-things` made the state directories.")
    var directory: String

    @Option(help: "How many things.")
    var count = 1_000

    @Option(help: "Readings per second of each.")
    var rate = 1.0

    @Option(help: "How long the steady part takes, seconds.")
    var seconds = 60.0

    @Option(help: "Topic of the readings.")
    var topic = "bench/readings"

    func run() async throws {
        try Self.allowFiles(count * 4 + 256)
        let log = FleetLog(things: count)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<count {
                group.addTask {
                    try await member(index, log)
                    return false
                }
            }
            group.addTask {
                try await conduct(log)
                return true
            }
            while let isConducted = try await group.next(), !isConducted {}
            group.cancelAll()
        }
    }

    /// One thing: connects, and publishes at its own moment of each interval.
    private func member(_ index: Int, _ log: FleetLog) async throws {
        var configuration = ThingConfiguration(state: FleetMember.state(index, in: directory))
        configuration.onEvent = { log.note($0, of: index) }
        let interval = Duration.seconds(1 / rate)
        try await withThing(configuration) { thing in
            try await thing.waitUntilConnected()
            var next = ContinuousClock.now + interval * Double.random(in: 0..<1)
            while true {
                try await Task.sleep(until: next)
                let sent = ContinuousClock.now
                try await thing.publishAndWait(
                    topic,
                    [
                        "temperature": 21.375, "humidity": 48.25, "pressure": 1_013.25,
                        "gas_resistance": 120_034.5,
                    ])
                let now = ContinuousClock.now
                log.acknowledge(index, after: (now - sent).seconds)
                while next <= now { next += interval }
            }
        }
    }

    private func conduct(_ log: FleetLog) async throws {
        let start = ContinuousClock.now
        try await wait("connected") { log.connected == count }
        JSONLine.print([
            "connected": Double(count), "seconds": (ContinuousClock.now - start).seconds,
            "failures": Double(log.failures),
        ])
        // The first readings and what connecting left behind are not measured.
        try await Task.sleep(for: .seconds(2))
        log.measure(true)
        let measured = ContinuousClock.now
        try await Task.sleep(for: .seconds(seconds))
        log.measure(false)
        let latencies = log.latencies
        if let unexpected = log.unexpected { throw RPCError(code: .unavailable, message: unexpected) }
        log.expectLoss()
        JSONLine.print([
            "acknowledged": Double(latencies.count), "measured_s": (ContinuousClock.now - measured).seconds,
            "cuts": Double(log.cuts), "ack_p50_ms": Quantile.of(latencies, 0.5) * 1e3,
            "ack_p99_ms": Quantile.of(latencies, 0.99) * 1e3,
        ])
        try await wait("back") { log.comeback.reacknowledged == count }
        let back = log.comeback
        if let unexpected = log.unexpected { throw RPCError(code: .unavailable, message: unexpected) }
        JSONLine.print([
            "back": Double(back.reacknowledged), "reconnected_s": back.lastReconnected,
            "acknowledged_s": back.lastReacknowledged, "failures": Double(back.failures),
        ])
    }

    private func wait(_ what: String, until isReached: () -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(180)
        while !isReached() {
            guard ContinuousClock.now < deadline else {
                throw RPCError(code: .deadlineExceeded, message: "not all of \(count) things are \(what)")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Raises the limit of open files as far as it may go.
    private static func allowFiles(_ wanted: Int) throws {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        guard limit.rlim_cur >= wanted else {
            throw ValidationError(
                "\(wanted) open files are needed, \(limit.rlim_max) allowed; raise it with ulimit -Hn.")
        }
    }
}
