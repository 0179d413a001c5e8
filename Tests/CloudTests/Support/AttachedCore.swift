import Foundation
import GRPCCore
import HedgerowAPI
import PKI
import RPCSupport
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import Cloud

/// A core's side of an attachment, in the hands of a test.
final class AttachedCore: Sendable {
    private struct State {
        var received: [Hedgerow_Deployment_V1_AttachResponse] = []
        var isEnded = false
        var error: RPCError?
    }

    private let state = Mutex(State())
    private let outgoing: AsyncStream<Hedgerow_Deployment_V1_AttachRequest>.Continuation
    private let requests: AsyncStream<Hedgerow_Deployment_V1_AttachRequest>

    init() {
        (requests, outgoing) = AsyncStream.makeStream()
    }

    func send(_ event: Hedgerow_Deployment_V1_AttachRequest.OneOf_Event) {
        outgoing.yield(.with { $0.event = event })
    }

    func hello(
        group: String = "", revision: UInt64 = 0, hosts: [String] = ["127.0.0.1"], at time: Date = Date(),
        platform: [String: String] = [:]
    ) {
        send(
            .hello(
                .with {
                    $0.version = "1.2.3"
                    $0.activeGroup = group
                    $0.activeRevision = revision
                    $0.localTime = .init(time)
                    $0.platform = platform
                    $0.endpoints.endpoints = hosts.map { host in
                        .with {
                            $0.host = host
                            $0.port = 8883
                        }
                    }
                }))
    }

    func report(_ id: String, _ status: Hedgerow_Deployment_V1_DeploymentStatus, _ reason: String = "") {
        send(
            .report(
                .with {
                    $0.deploymentID = id
                    $0.status = status
                    $0.reason = reason
                }))
    }

    func requestCertificate(_ key: PrivateKey = .generate()) throws {
        let request = Data(try key.signingRequest(commonName: "x"))
        send(.serverCertificateRequest(.with { $0.signingRequest = request }))
    }

    func hangUp() { outgoing.finish() }

    /// Runs the call until it ends.
    func run(_ client: CloudClient) async {
        do {
            try await Deployments(wrapping: client).attach(
                request: StreamingClientRequest { writer in
                    for await request in self.requests { try await writer.write(request) }
                }
            ) { response in
                for try await message in response.messages {
                    self.state.withLock { $0.received.append(message) }
                }
            }
            state.withLock { $0.isEnded = true }
        } catch {
            state.withLock {
                $0.isEnded = true
                $0.error = error as? RPCError
            }
        }
    }

    var received: [Hedgerow_Deployment_V1_AttachResponse] { state.withLock { $0.received } }

    /// The reason of ours that the attachment ended with.
    func endReason() async throws -> HedgerowError {
        try await eventually("the attachment ends", holds: { self.state.withLock { $0.isEnded } })
        let error = try #require(state.withLock { $0.error })
        return try #require(HedgerowError(error))
    }

    /// Waits for the first response that something can be taken from, after `skipping` of them.
    func next<Value: Sendable>(
        _ what: String, skipping: Int = 0, _ take: (Hedgerow_Deployment_V1_AttachResponse) -> Value?
    ) async throws -> Value {
        try await eventually(what) {
            let found = self.received.compactMap(take)
            return found.count > skipping ? found[skipping] : nil
        }
    }

    func assignment(skipping: Int = 0) async throws -> Hedgerow_Deployment_V1_DeploymentAssignment {
        try await next("an assignment", skipping: skipping) {
            if case .assignment(let value) = $0.event { value } else { nil }
        }
    }

    func certificate(skipping: Int = 0) async throws -> Hedgerow_Deployment_V1_ServerCertificate {
        try await next("a server certificate", skipping: skipping) {
            if case .serverCertificate(let value) = $0.event { value } else { nil }
        }
    }

    func renewal(skipping: Int = 0) async throws -> Hedgerow_Deployment_V1_RenewServerCertificate {
        try await next("a wish for a renewal", skipping: skipping) {
            if case .renewServerCertificate(let value) = $0.event { value } else { nil }
        }
    }

    func revocations(skipping: Int = 0) async throws -> [String] {
        try await next("a list of revocations", skipping: skipping) {
            if case .revokedCertificates(let value) = $0.event { value.serialNumbers } else { nil }
        }
    }

    func welcome() async throws -> Hedgerow_Deployment_V1_CoreWelcome {
        try await next("a welcome") { if case .welcome(let value) = $0.event { value } else { nil } }
    }
}

extension RunningCloud {
    /// Attaches a core while the body runs.
    func attach<Value: Sendable>(
        _ identity: ClientIdentity, _ body: @Sendable @escaping (AttachedCore) async throws -> Value
    ) async throws -> Value {
        try await call(as: identity) { client in
            let core = AttachedCore()
            return try await withThrowingTaskGroup(of: Value?.self) { group in
                group.addTask {
                    await core.run(client)
                    return nil
                }
                group.addTask {
                    defer { core.hangUp() }
                    return try await body(core)
                }
                var value: Value?
                while let result = try await group.next() { if let result { value = result } }
                return try #require(value)
            }
        }
    }
}

extension AttachedCore {
    /// Waits for a command on a stream.
    func streamCommand(skipping: Int = 0) async throws -> Hedgerow_Deployment_V1_StreamCommand {
        try await next("a command", skipping: skipping) {
            if case .streamCommand(let value) = $0.event { value } else { nil }
        }
    }
}
