import Foundation
import GRPCCore
import HedgerowAPI
import PKI
import RPCSupport
import SwiftProtobuf
import Synchronization
import TestSupport

@testable import Cloud

/// A core of a crowd: attached over a connection of its own, it takes what it is assigned and says how that ended.
struct SimulatedCore: Sendable {
    /// What came of an assignment.
    enum Outcome: Sendable {
        case succeeds
        case fails(String)
    }

    let name: String
    let identity: ClientIdentity
    let crowd: Crowd

    /// What is known of all together.
    final class Crowd: Sendable {
        private struct State {
            var attached = 0
            var underWay = 0
            var mostUnderWay = 0
            var assignments: [String: Int] = [:]
            var canceled: [String] = []
            /// How many may still end their work; nil for all.
            var permits: Int?
        }

        private let state = Mutex(State())
        /// How an assignment ends, by core and deployment.
        let outcome: @Sendable (_ core: String, _ deployment: String) -> Outcome
        /// What it takes.
        let work: Duration

        /// - Parameter isHeld: whether work does not end before it is released.
        init(
            work: Duration = .zero, isHeld: Bool = false,
            outcome: @escaping @Sendable (String, String) -> Outcome
        ) {
            self.work = work
            self.outcome = outcome
            if isHeld { state.withLock { $0.permits = 0 } }
        }

        /// Lets so many more end their work; all where no number is given.
        func release(_ count: Int? = nil) {
            state.withLock { state in
                state.permits = count.map { $0 + (state.permits ?? 0) }
            }
        }

        var attached: Int { state.withLock { $0.attached } }
        /// Cores that are at work.
        var underWay: Int { state.withLock { $0.underWay } }
        /// Most cores that were at work at the same time since the last look.
        var mostUnderWay: Int { state.withLock { $0.mostUnderWay } }
        /// Cores that were told to stop.
        var canceled: [String] { state.withLock { $0.canceled } }
        /// How often a deployment was assigned.
        func assignments(of deployment: String) -> Int { state.withLock { $0.assignments[deployment] ?? 0 } }
        func forgetMost() { state.withLock { $0.mostUnderWay = $0.underWay } }

        fileprivate func enter() { state.withLock { $0.attached += 1 } }
        fileprivate func cancel(_ core: String) { state.withLock { $0.canceled.append(core) } }
        fileprivate func begin(_ deployment: String) {
            state.withLock {
                $0.assignments[deployment, default: 0] += 1
                $0.underWay += 1
                $0.mostUnderWay = max($0.mostUnderWay, $0.underWay)
            }
        }
        fileprivate func end() { state.withLock { $0.underWay -= 1 } }
        fileprivate func carryOut() async throws {
            try await Task.sleep(for: work)
            let takesPermit: @Sendable () -> Bool = {
                self.state.withLock { state in
                    guard let permits = state.permits else { return true }
                    guard permits > 0 else { return false }
                    state.permits = permits - 1
                    return true
                }
            }
            while !takesPermit() { try await Task.sleep(for: .milliseconds(5)) }
        }
    }

    /// Runs until the task is cancelled.
    func run(_ cloud: RunningCloud) async throws {
        try await cloud.call(as: identity) { client in
            let (requests, outbox) = AsyncStream.makeStream(of: Hedgerow_Deployment_V1_AttachRequest.self)
            outbox.yield(.with { $0.hello.version = "1.0.0" })
            try await Deployments(wrapping: client).attach(
                request: StreamingClientRequest { writer in
                    for await request in requests { try await writer.write(request) }
                }
            ) { response in
                for try await message in response.messages {
                    switch message.event {
                    case .welcome: crowd.enter()
                    case .assignment(let assignment):
                        try await carryOut(assignment.deploymentID, outbox)
                    case .cancellation(let cancellation):
                        crowd.cancel(name)
                        report(cancellation.deploymentID, .canceled, cancellation.reason, outbox)
                    default: break
                    }
                }
            }
        }
    }

    private func carryOut(
        _ deployment: String, _ outbox: AsyncStream<Hedgerow_Deployment_V1_AttachRequest>.Continuation
    ) async throws {
        crowd.begin(deployment)
        report(deployment, .inProgress, "", outbox)
        try await crowd.carryOut()
        crowd.end()
        switch crowd.outcome(name, deployment) {
        case .succeeds: report(deployment, .succeeded, "", outbox)
        case .fails(let reason): report(deployment, .failed, reason, outbox)
        }
    }

    private func report(
        _ deployment: String, _ status: Hedgerow_Deployment_V1_DeploymentStatus, _ reason: String,
        _ outbox: AsyncStream<Hedgerow_Deployment_V1_AttachRequest>.Continuation
    ) {
        outbox.yield(
            .with {
                $0.report.deploymentID = deployment
                $0.report.status = status
                $0.report.reason = reason
            })
    }
}

extension RunningCloud {
    /// Registers and enrols cores, over one connection for each of the two.
    func registerCores(_ names: [String], _ admin: ClientIdentity) async throws -> [(String, ClientIdentity)]
    {
        let tokens = try await call(as: admin) { client in
            let registry = Registry(wrapping: client)
            var tokens: [(String, String)] = []
            for name in names {
                _ = try await registry.createThing(
                    .with {
                        $0.name = name
                        $0.kind = .core
                    })
                let file = try await registry.createToken(
                    .with {
                        $0.role = .core
                        $0.name = name
                    }
                ).tokenFile
                tokens.append((name, try TokenFile(json: file).token))
            }
            return tokens
        }
        return try await call(as: nil) { client in
            var cores: [(String, ClientIdentity)] = []
            for (name, token) in tokens {
                let key = PrivateKey.generate()
                let request = Data(try key.signingRequest(commonName: name))
                let response = try await Provisioning(wrapping: client).enroll(
                    .with {
                        $0.token = token
                        $0.signingRequest = request
                    })
                cores.append((name, ClientIdentity(chainPEM: response.certificateChain, keyPEM: key.pem)))
            }
            return cores
        }
    }
}
