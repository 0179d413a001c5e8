import Components
import Foundation
import GRDB
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Logging
import Messaging
import RPCSupport
import StreamStore
import Supervision
import SwiftProtobuf
import Synchronization
import TestSupport

@testable import EdgeCore

/// A component instance that is a program.
func program(
    _ instance: String, version: String = "1.0.0", configuration: [String: ConfigurationValue] = [:],
    _ configure: (inout ProcessDefinition) -> Void = { _ in }
) throws -> RunningComponent {
    var definition = ProcessDefinition(start: .run(.arguments(["true"])))
    configure(&definition)
    return RunningComponent(
        LockedComponent(
            instance: instance, component: instance, version: try SemanticVersion(parsing: version),
            recipeDigest: []),
        state: .process(definition), configuration: configuration)
}

/// Whoever runs programs, for tests.
final class FakeDesk: ComponentDesk {
    struct State {
        var overdue: [String] = []
        var health: [String] = []
        var secrets: [String: [UInt8]] = [:]
        var situation = ComponentSituation(configuration: [:], group: "hall", revision: 1)
        var observers: [AsyncStream<ComponentSituation>.Continuation] = []
    }

    let state = Mutex(State())

    func configurations(of instance: String) -> AsyncStream<ComponentSituation> {
        let (stream, continuation) = AsyncStream.makeStream(of: ComponentSituation.self)
        state.withLock { state in
            continuation.yield(state.situation)
            state.observers.append(continuation)
        }
        return stream
    }

    func change(_ situation: ComponentSituation) {
        state.withLock { state in
            state.situation = situation
            for observer in state.observers { observer.yield(situation) }
        }
    }

    func reportHealth(of instance: String, isHealthy: Bool, reason: String) {
        state.withLock { $0.health.append("\(instance) \(isHealthy) \(reason)") }
    }

    func deferUpdate(
        of instance: String, by time: Duration, reason: String
    ) throws -> (until: Date, isWaiting: Bool) { (Date(timeIntervalSince1970: time / .seconds(1)), false) }

    func secret(_ name: String) async throws -> [UInt8]? { state.withLock { $0.secrets[name] } }

    func endOverdue(_ instance: String, cause: String) {
        state.withLock { $0.overdue.append("\(instance): \(cause)") }
    }
}

/// The core's side of programs: its telemetry, and the server for components on a real socket.
struct ComponentAPIFixture: Sendable {
    typealias Service = Hedgerow_Component_V1_ComponentService

    let core: TelemetryFixture
    let desk: FakeDesk
    let tokens: ComponentTokens
    let socket: String

    static func with(
        clock: MonotonicClock = .continuous,
        _ body: @escaping @Sendable (ComponentAPIFixture) async throws -> Void
    ) async throws {
        try await TelemetryFixture.with { core in
            try await withTemporaryDirectory { directory in
                let (desk, tokens) = (FakeDesk(), ComponentTokens())
                let server = ComponentServer(
                    path: try ComponentServer.path(inState: directory),
                    services: [
                        ComponentAPI(parts: core.parts, desk: desk, clock: clock),
                        ShadowServiceProvider(backend: CoreShadowBackend(parts: core.parts)),
                    ], tokens: tokens,
                    listening: Announced(),
                    logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await server.run() }
                    do {
                        let socket = try await server.listening.value()
                        try await body(
                            ComponentAPIFixture(core: core, desk: desk, tokens: tokens, socket: socket))
                    } catch {
                        group.cancelAll()
                        throw error
                    }
                    group.cancelAll()
                }
            }
        }
    }

    /// Makes a revision with components the one that runs.
    func run(
        _ subscriptions: [(String, String, String, String)], _ components: [RunningComponent],
        number: UInt64 = 1, streams: [(String, UInt64, Bool)] = []
    ) async throws {
        let staged = StagedRevision(
            revision(subscriptions, number: number, streams: streams), components: components)
        let change = try core.parts.revision.switching(
            to: staged, deploymentID: "d-\(number)", isSettled: true, alongside: { _ in })
        try await core.pool.write(change)
    }

    /// Takes messages of a thing, as the core does.
    @discardableResult
    func ingest(
        _ items: [IngestItem], thing: String = "a", epoch number: UInt64 = 1
    ) async throws -> CoreIngestTransaction.Result {
        let session = try core.session(thing, epoch: number)
        let parts = core.parts
        let result = try await core.committer.commit { db in
            let transaction = parts.transaction(db, session)
            _ = try transaction.open()
            return try transaction.ingest(items)
        }
        parts.carryOut(result)
        return result
    }

    func component(_ instance: String) throws -> RunningComponent {
        guard let component = core.parts.table.component(instance) else { throw Missing(instance: instance) }
        return component
    }

    struct Missing: Error { let instance: String }

    /// Calls the core as the program of an instance.
    func asProgram<Value: Sendable>(
        of instance: String,
        _ body: @Sendable (Service.Client<HTTP2ClientTransport.Posix>, Metadata) async throws -> Value
    ) async throws -> Value {
        let (token, caller) = tokens.issue(for: try component(instance))
        defer { tokens.withdraw(caller) }
        return try await withClient { client in
            try await body(Service.Client(wrapping: client), ["authorization": "Bearer \(token)"])
        }
    }

    func withClient<Value: Sendable>(
        _ body: @Sendable (GRPCClient<HTTP2ClientTransport.Posix>) async throws -> Value
    ) async throws -> Value {
        let transport = try HTTP2ClientTransport.Posix(
            target: .unixDomainSocket(path: socket), transportSecurity: .plaintext)
        return try await withGRPCClient(transport: transport) { try await body($0) }
    }

    /// Receives as the program of an instance while the body runs.
    func receiving<Value: Sendable>(
        as instance: String, oneAtATime: Bool = false, credit: UInt32 = 100,
        _ body: @Sendable (Receiver) async throws -> Value
    ) async throws -> Value {
        try await asProgram(of: instance) { client, metadata in
            let receiver = Receiver(oneAtATime: oneAtATime, credit: credit)
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    do {
                        try await client.receive(
                            metadata: metadata,
                            requestProducer: { writer in
                                for await request in receiver.requests { try await writer.write(request) }
                            },
                            onResponse: { response in
                                for try await message in response.messages { receiver.take(message) }
                            })
                        receiver.end(nil)
                    } catch {
                        receiver.end(error)
                    }
                }
                do {
                    let value = try await body(receiver)
                    group.cancelAll()
                    return value
                } catch {
                    group.cancelAll()
                    throw error
                }
            }
        }
    }

    /// What waits for an instance.
    func waiting(_ instance: String) async throws -> Int {
        try await core.pool.read { try StoredInbox($0).usage(of: instance).messages }
    }
}

/// A program's side of one stream.
final class Receiver: Sendable {
    private struct State {
        var events: [Hedgerow_Component_V1_Event] = []
        var stored: [UInt64] = []
        var dropped: UInt64 = 0
        var isOver = false
        var error: RPCError?
    }

    let requests: AsyncStream<Hedgerow_Component_V1_ReceiveRequest>
    private let continuation: AsyncStream<Hedgerow_Component_V1_ReceiveRequest>.Continuation
    private let state = Mutex(State())

    init(oneAtATime: Bool, credit: UInt32) {
        (requests, continuation) = AsyncStream.makeStream()
        continuation.yield(
            .with {
                $0.start.oneAtATime = oneAtATime
                $0.addCredit = credit
            })
    }

    var events: [Hedgerow_Component_V1_Event] { state.withLock { $0.events } }
    var stored: [UInt64] { state.withLock { $0.stored } }
    var dropped: UInt64 { state.withLock { $0.dropped } }
    var isOver: Bool { state.withLock { $0.isOver } }
    var error: RPCError? { state.withLock { $0.error } }

    func take(_ response: Hedgerow_Component_V1_ReceiveResponse) {
        state.withLock { state in
            state.events += response.events
            state.stored += response.storedDeliveryIds
            state.dropped += response.dropped
        }
    }

    func end(_ error: (any Error)?) {
        state.withLock { state in
            state.isOver = true
            state.error = error as? RPCError
        }
    }

    func say(_ request: Hedgerow_Component_V1_ReceiveRequest) { continuation.yield(request) }

    /// Closes this side.
    func finish() { continuation.finish() }

    /// Answers an event with readings on a topic.
    func answer(
        _ event: Hedgerow_Component_V1_Event, _ topics: [String] = ["out/x"], failure: String = ""
    ) {
        say(
            .with { request in
                request.results = [
                    .with {
                        $0.deliveryID = event.deliveryID
                        $0.failure = failure
                        if failure.isEmpty {
                            $0.messages = topics.map { topic in
                                .with {
                                    $0.topic = topic
                                    $0.reading.values = event.record.message.reading.values
                                }
                            }
                        }
                    }
                ]
            })
    }

    func waitForEvents(_ count: Int) async throws {
        try await eventually("\(count) events") { self.events.count >= count }
    }

    func waitForStored(_ count: Int) async throws {
        try await eventually("\(count) stored results") { self.stored.count >= count }
    }
}
