import ArgumentParser
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import SwiftProtobuf

/// `hedgerow-bench core-crowd`: many cores in one process, each with an identity and a connection of its own, that say
/// of every assignment that it succeeded, but for one core in so many.
struct CoreCrowd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "core-crowd", abstract: "Attach many simulated cores, until ended from outside.",
        discussion: "Prints a line of JSON when all are attached.")

    @Option(help: "The cloud: SERVER-NAME@PORT.")
    var cloud: Peer

    @Option(help: "Where `enroll-cores` made the state directories.")
    var directory: String

    @Option(help: "How many cores.")
    var count = 200

    @Option(help: "One in so many fails; 0 for none.")
    var failing = 10

    @Option(help: "What carrying out a deployment takes, milliseconds.")
    var work = 20

    func run() async throws {
        let (attached, announce) = AsyncStream.makeStream(of: Void.self)
        let start = ContinuousClock.now
        try await withThrowingDiscardingTaskGroup { group in
            for index in 0..<count {
                group.addTask { try await attach(index) { announce.yield() } }
            }
            group.addTask {
                var missing = count
                for await _ in attached {
                    missing -= 1
                    if missing == 0 { break }
                }
                JSONLine.print(["attached": Double(count), "seconds": (ContinuousClock.now - start).seconds])
            }
        }
    }

    /// One core, for as long as its line holds.
    private func attach(_ index: Int, onWelcome: @escaping @Sendable () -> Void) async throws {
        let files = try TLSFiles(directory: FleetMember.state(index, in: directory))
        let fails = failing > 0 && index % failing == failing - 1
        try await cloud.withClient(files, coalescing: false) { client in
            let service = Hedgerow_Deployment_V1_DeploymentService.Client(wrapping: client)
            let (requests, outbox) = AsyncStream.makeStream(of: Hedgerow_Deployment_V1_AttachRequest.self)
            outbox.yield(.with { $0.hello.version = "bench" })
            try await service.attach(
                request: StreamingClientRequest { writer in
                    for await request in requests { try await writer.write(request) }
                }
            ) { response in
                for try await message in response.messages {
                    switch message.event {
                    case .welcome: onWelcome()
                    case .assignment(let assignment):
                        outbox.yield(report(assignment.deploymentID, .inProgress))
                        try await Task.sleep(for: .milliseconds(work))
                        outbox.yield(report(assignment.deploymentID, fails ? .failed : .succeeded))
                    default: break
                    }
                }
            }
        }
    }

    private func report(
        _ deployment: String, _ status: Hedgerow_Deployment_V1_DeploymentStatus
    ) -> Hedgerow_Deployment_V1_AttachRequest {
        .with {
            $0.report.deploymentID = deployment
            $0.report.status = status
            if status == .failed { $0.report.reason = "one in \(failing) fails on purpose" }
        }
    }
}
