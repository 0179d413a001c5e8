import ArgumentParser
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import SwiftProtobuf

/// `hedgerow-bench shadow-contention`: many writers that add one to the same number in one shadow, each on condition
/// that the version is still the one that it read.
struct ShadowContention: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shadow-contention",
        abstract: "Let many writers count in one shadow, with versions.",
        discussion: "Fails where the number at the end is not the sum of the updates that were accepted.")

    @OptionGroup var server: ShadowServerOptions

    @Option(help: "How many writers.")
    var writers = 50

    @Option(help: "Writers of one connection.")
    var perConnection = 10

    @Option(help: "Updates of each writer that have to be accepted.")
    var updates = 20

    /// What is counted in.
    private struct Document: Decodable {
        struct State: Decodable {
            struct Reported: Decodable {
                let count: Int
            }
            let reported: Reported
        }
        let state: State
    }

    /// What writers did.
    private struct Outcome: Sendable {
        /// How often they were refused.
        var refused = 0
        var start: ContinuousClock.Instant
        var end: ContinuousClock.Instant
    }

    private typealias Service = Hedgerow_Shadow_V1_ShadowService.Client<HTTP2ClientTransport.Posix>

    private static let name = "contention"

    func run() async throws {
        let files = try server.files(thing: 0)
        let count = (writers + perConnection - 1) / perConnection
        let line = StartLine(count)
        let first = try await server.to.withClient(files, coalescing: false) { client in
            let created = request(#"{"state":{"reported":{"count":0}}}"#)
            return try await Service(wrapping: client).updateShadow(created).version
        }
        let outcomes = try await withThrowingTaskGroup(of: Outcome.self) { group in
            for connection in 0..<count {
                let share = min(perConnection, writers - connection * perConnection)
                group.addTask { try await write(share, files, line) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        guard let start = outcomes.map(\.start).min(), let end = outcomes.map(\.end).max() else {
            throw ValidationError("There has to be a writer.")
        }
        let (number, version) = try await server.to.withClient(files, coalescing: false) { client in
            try await read(Service(wrapping: client))
        }
        let accepted = writers * updates
        guard number == accepted, version == first + UInt64(accepted) else {
            throw RPCError(
                code: .dataLoss,
                message: "\(accepted) updates were accepted, the number is \(number) and the version "
                    + "\(version) where \(first + UInt64(accepted)) had to be")
        }
        JSONLine.print([
            "updates": Double(accepted), "seconds": (end - start).seconds,
            "refused": Double(outcomes.reduce(0) { $0 + $1.refused }),
        ])
    }

    /// The writers of one connection.
    private func write(_ share: Int, _ files: TLSFiles, _ line: StartLine) async throws -> Outcome {
        try await server.to.withClient(files, coalescing: false) { client in
            let service = Service(wrapping: client)
            _ = try await read(service)
            let start = try await line.cross()
            let refused = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<share { group.addTask { try await count(service) } }
                return try await group.reduce(0, +)
            }
            return Outcome(refused: refused, start: start, end: .now)
        }
    }

    /// One writer; returns how often it was refused.
    private func count(_ service: Service) async throws -> Int {
        var refused = 0
        for _ in 0..<updates {
            while true {
                let (number, version) = try await read(service)
                let next = #"{"state":{"reported":{"count":\#(number + 1)}},"version":\#(version)}"#
                do {
                    _ = try await service.updateShadow(request(next))
                    break
                } catch let error as RPCError where error.code == .aborted {
                    refused += 1
                }
            }
        }
        return refused
    }

    private func read(_ service: Service) async throws -> (Int, UInt64) {
        let reply = try await service.getShadow(
            .with {
                $0.thing = FleetMember.name(0)
                $0.name = Self.name
            })
        let document = try JSONDecoder().decode(Document.self, from: Data(reply.document.utf8))
        return (document.state.reported.count, reply.version)
    }

    private func request(_ document: String) -> Hedgerow_Shadow_V1_UpdateShadowRequest {
        .with {
            $0.thing = FleetMember.name(0)
            $0.name = Self.name
            $0.document = document
        }
    }
}
