import ArgumentParser
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import SwiftProtobuf

/// `hedgerow-bench shadow-load`: updates of many shadows, each of them in turn and each acknowledged when it is on disk.
struct ShadowLoad: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shadow-load",
        abstract: "Update many shadows as fast as they are acknowledged.",
        discussion: """
            Shadows are named s-0, s-1 and so on. All of a connection's updates of one shadow come one after \
            the other; `reported.round` says which it was.
            """)

    @OptionGroup var server: ShadowServerOptions

    @Option(help: "How many things have shadows.")
    var things = 20

    @Option(help: "Shadows of each thing.")
    var names = 50

    @Option(help: "Connections of an operator; each thing has its own where none is named.")
    var connections = 20

    @Option(help: "Calls under way on a connection.")
    var inFlight = 10

    @Option(help: "Updates of each shadow.")
    var rounds = 1

    @Option(help: "Number of the first round.")
    var firstRound = 1_000_000

    @Option(help: "How long to update, seconds, in place of a number of rounds.")
    var seconds: Double?

    /// One shadow.
    private struct Shadow: Sendable {
        let thing: String
        let name: String
    }

    /// What one task, or all of them, did.
    private struct Outcome: Sendable {
        /// Seconds that each call took.
        var times: [Double] = []
        var start: ContinuousClock.Instant?
        /// When the last call was answered.
        var end: ContinuousClock.Instant?
    }

    func run() async throws {
        let count = server.operatorIdentity == nil ? things : min(connections, things)
        let line = StartLine(count)
        let outcome = try await withThrowingTaskGroup(of: Outcome.self) { group in
            for connection in 0..<count {
                group.addTask { try await call(connection, of: count, line) }
            }
            return try await Self.joined(&group)
        }
        guard let start = outcome.start, let end = outcome.end else {
            throw ValidationError("There are no shadows to update.")
        }
        JSONLine.print([
            "updates": Double(outcome.times.count), "seconds": (end - start).seconds,
            "p50_ms": Quantile.of(outcome.times, 0.5) * 1e3, "p99_ms": Quantile.of(outcome.times, 0.99) * 1e3,
        ])
    }

    /// Everything of one connection.
    private func call(_ connection: Int, of count: Int, _ line: StartLine) async throws -> Outcome {
        let shadows = stride(from: connection, to: things, by: count).flatMap { index in
            (0..<names).map { Shadow(thing: FleetMember.name(index), name: "s-\($0)") }
        }
        let files = try server.files(thing: connection)
        return try await server.to.withClient(files, coalescing: false) { client in
            let service = Hedgerow_Shadow_V1_ShadowService.Client(wrapping: client)
            // The connection stands before the clock runs.
            _ = try await service.listShadows(
                .with {
                    $0.thing = shadows[0].thing
                    $0.pageSize = 1
                })
            let start = try await line.cross()
            return try await withThrowingTaskGroup(of: Outcome.self) { group in
                for lane in 0..<min(inFlight, shadows.count) {
                    let own = stride(from: lane, to: shadows.count, by: inFlight).map { shadows[$0] }
                    group.addTask { try await update(own, service, from: start) }
                }
                return try await Self.joined(&group)
            }
        }
    }

    /// Some shadows of a connection, one call after the other.
    private func update(
        _ shadows: [Shadow], _ service: Hedgerow_Shadow_V1_ShadowService.Client<HTTP2ClientTransport.Posix>,
        from start: ContinuousClock.Instant
    ) async throws -> Outcome {
        var outcome = Outcome(start: start)
        let end = seconds.map { start + .seconds($0) }
        var round = firstRound
        while end != nil || round < firstRound + rounds {
            let document = ShadowReport.update(round: round)
            for shadow in shadows {
                let sent = ContinuousClock.now
                if let end, sent >= end { return outcome }
                _ = try await service.updateShadow(
                    .with {
                        $0.thing = shadow.thing
                        $0.name = shadow.name
                        $0.document = document
                    })
                let answered = ContinuousClock.now
                outcome.times.append((answered - sent).seconds)
                outcome.end = answered
            }
            round += 1
        }
        return outcome
    }

    private static func joined(_ group: inout ThrowingTaskGroup<Outcome, any Error>) async throws -> Outcome {
        var all = Outcome()
        while let part = try await group.next() {
            all.times += part.times
            all.start = part.start ?? all.start
            all.end = [all.end, part.end].compactMap { $0 }.max()
        }
        return all
    }
}
