import ArgumentParser
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import SwiftProtobuf
import ThingClient

/// `hedgerow-bench enroll-things`: registers many things and enrols each, as `hedgerow things create` and a
/// thing's first start do.
struct EnrollThings: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enroll-things", abstract: "Register and enrol many things.")

    @Option(help: "The cloud: SERVER-NAME@PORT.")
    var cloud: Peer

    @Option(help: "Directory of an operator's identity.")
    var operatorIdentity: String

    @Option(help: "Where the state directories of the things are made.")
    var directory: String

    @Option(help: "How many.")
    var count = 1_000

    @Option(help: "How many at the same time.")
    var parallel = 16

    func run() async throws {
        let start = ContinuousClock.now
        try await cloud.withClient(try TLSFiles(directory: operatorIdentity), coalescing: false) { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<count {
                    if index >= parallel { try await group.next() }
                    group.addTask { try await enroll(index, client) }
                }
                try await group.waitForAll()
            }
        }
        JSONLine.print(["enrolled": Double(count), "seconds": (ContinuousClock.now - start).seconds])
    }

    private func enroll(_ index: Int, _ client: GRPCClient<HTTP2ClientTransport.Posix>) async throws {
        let registry = Hedgerow_Registry_V1_RegistryService.Client(wrapping: client)
        let name = FleetMember.name(index)
        _ = try await registry.createThing(
            .with {
                $0.requestID = name
                $0.name = name
                $0.kind = .thing
            })
        let reply = try await registry.createToken(
            .with {
                $0.role = .thing
                $0.name = name
            })
        let path = "\(directory)/\(name).token"
        guard
            FileManager.default.createFile(
                atPath: path, contents: Data(reply.tokenFile.utf8), attributes: [.posixPermissions: 0o600])
        else { throw ValidationError("\(path) cannot be written.") }
        _ = try await ThingIdentity.enroll(
            ThingConfiguration(token: path, state: FleetMember.state(index, in: directory)))
    }
}
