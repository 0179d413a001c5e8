import Components
import FoundationEssentials
import GRPCCore
import HedgerowAPI
import Identity
import Messaging
import RPCSupport
import StreamStore
import Supervision
import SwiftProtobuf

/// What programs can call.
struct ComponentAPI: Hedgerow_Component_V1_ComponentService.SimpleServiceProtocol {
    /// Most messages of one `Publish`.
    static let maximumMessages = 1_000
    /// Most bytes of a reason that a program gives.
    static let maximumReason = 256

    let parts: TelemetryParts
    let desk: any ComponentDesk
    let clock: MonotonicClock

    func getComponent(
        request: Hedgerow_Component_V1_GetComponentRequest, context: ServerContext
    ) async throws -> Hedgerow_Component_V1_GetComponentResponse {
        let caller = try context.componentCaller()
        let component = caller.component
        var response = Hedgerow_Component_V1_GetComponentResponse()
        response.instance = caller.instance
        response.component = component.component
        response.version = component.version
        response.core = parts.core
        if let situation = await desk.configurations(of: caller.instance).first(where: { _ in true }) {
            response.group = situation.group
            response.revision = situation.revision
            response.configuration = Google_Protobuf_Struct(situation.configuration)
        }
        if let process = component.process {
            response.handlerTimeout = Google_Protobuf_Duration(rounding: process.handlerTimeout.duration)
            if case .report? = process.health?.source {
                response.healthInterval = Google_Protobuf_Duration(
                    rounding:
                        process.health?.interval.duration ?? .zero)
            }
            response.secrets = process.secrets
        }
        return response
    }

    func watchConfiguration(
        request: Hedgerow_Component_V1_WatchConfigurationRequest,
        response: RPCWriter<Hedgerow_Component_V1_WatchConfigurationResponse>, context: ServerContext
    ) async throws {
        let caller = try context.componentCaller()
        let situations = desk.configurations(of: caller.instance)
        try await untilCancelled(context) {
            var last: [String: ConfigurationValue]?
            for await situation in situations where situation.configuration != last {
                last = situation.configuration
                var message = Hedgerow_Component_V1_WatchConfigurationResponse()
                message.configuration = Google_Protobuf_Struct(situation.configuration)
                message.revision = situation.revision
                try await response.write(message)
            }
        }
    }

    func receive(
        request: RPCAsyncSequence<Hedgerow_Component_V1_ReceiveRequest, any Error>,
        response: RPCWriter<Hedgerow_Component_V1_ReceiveResponse>, context: ServerContext
    ) async throws {
        let handler = ReceiveHandler(
            parts: parts, caller: try context.componentCaller(), clock: clock,
            onOverdue: { [desk] in desk.endOverdue($0, cause: $1) })
        try await untilCancelled(context) { try await handler.serve(request, response) }
    }

    func publish(
        request: Hedgerow_Component_V1_PublishRequest, context: ServerContext
    ) async throws -> Hedgerow_Component_V1_PublishResponse {
        let caller = try context.componentCaller()
        let messages = try checked(request)
        let epoch: Epoch
        if request.firstSequence == 0, request.epoch.isEmpty {
            epoch = parts.epoch
        } else if let given = Epoch(request.epoch) {
            epoch = given
        } else {
            throw Self.invalid("epoch", "has \(request.epoch.count) bytes; it has 16")
        }
        let session = IngestSession(
            publisher: try Principal(role: .core, name: parts.core), stream: "component/\(caller.instance)",
            epoch: epoch, oldestSequence: 1, generation: 0)
        let (parts, first) = (parts, request.firstSequence)
        do {
            let done = try await parts.commit(needsRoom: first > 0, isSynced: first > 0) { db in
                var result = CoreIngestTransaction.Result(outcome: IngestOutcome(acknowledged: 0))
                let component = try ReceiveHandler.component(caller.instance, of: parts)
                let unrouted = try parts.transaction(db, session).takeOwn(
                    messages, from: first, by: component, into: &result)
                return (result: result, unrouted: unrouted)
            }
            parts.carryOut(done.result)
            return .with { $0.unrouted = UInt32(done.unrouted) }
        } catch StorageError.full {
            throw HedgerowError(
                .resourceExhausted, .queueFull, "the core's disk is full; nothing is stored, send it again",
                retryAfter: CorePublishBackend.pauseOfFullDisk)
        } catch let error as CommitterClosed {
            throw HedgerowError(
                .unavailable, .shuttingDown, "\(error)", retryAfter: .seconds(1), cause: error)
        }
    }

    func reportHealth(
        request: Hedgerow_Component_V1_ReportHealthRequest, context: ServerContext
    ) async throws -> Hedgerow_Component_V1_ReportHealthResponse {
        let caller = try context.componentCaller()
        desk.reportHealth(
            of: caller.instance, isHealthy: request.healthy,
            reason: request.reason.prefix(utf8: Self.maximumReason))
        return .init()
    }

    func deferUpdate(
        request: Hedgerow_Component_V1_DeferUpdateRequest, context: ServerContext
    ) async throws -> Hedgerow_Component_V1_DeferUpdateResponse {
        let caller = try context.componentCaller()
        let (until, isWaiting) = try desk.deferUpdate(
            of: caller.instance, by: max(.zero, Duration(request.defer)),
            reason: request.reason.prefix(utf8: Self.maximumReason))
        var response = Hedgerow_Component_V1_DeferUpdateResponse()
        response.deferTime = Google_Protobuf_Timestamp(date: until)
        response.updateWaiting = isWaiting
        return response
    }

    func getSecret(
        request: Hedgerow_Component_V1_GetSecretRequest, context: ServerContext
    ) async throws -> Hedgerow_Component_V1_GetSecretResponse {
        let caller = try context.componentCaller()
        guard caller.component.process?.secrets.contains(request.name) == true else {
            throw HedgerowError(
                .permissionDenied, .notYourResource,
                "the recipe of component instance \"\(caller.instance)\" does not ask for secret \"\(request.name)\"; "
                    + "name it under process.secrets")
        }
        guard let value = try await desk.secret(request.name) else {
            throw HedgerowError(
                .notFound, .notFound,
                "the core \"\(parts.core)\" has no secret \"\(request.name)\"; set it in its group "
                    + "(hedgerow secrets set GROUP \(request.name))")
        }
        return .with { $0.value = Data(value) }
    }

    func readStream(
        request: Hedgerow_Component_V1_ReadStreamRequest, context: ServerContext
    ) async throws -> Hedgerow_Component_V1_ReadStreamResponse {
        let caller = try context.componentCaller()
        guard parts.table.leads(component: caller.instance, toStream: request.read.stream) else {
            throw HedgerowError(
                .permissionDenied, .notYourResource,
                "no subscription leads from component:\(caller.instance) to stream \"\(request.read.stream)\"; it reads "
                    + "only streams that it may write")
        }
        let runner = StreamCommandRunner(parts: parts)
        let read = request.read
        let found = try await untilCancelled(context) { try await runner.read(read) }
        return .with { $0.read = found }
    }

    // MARK: Parts

    /// The messages of a request, each with a time, after every check that the core makes.
    private func checked(_ request: Hedgerow_Component_V1_PublishRequest) throws -> [PlainMessage] {
        guard (1...Self.maximumMessages).contains(request.messages.count) else {
            throw Self.invalid(
                "messages", "has \(request.messages.count); 1 to \(Self.maximumMessages) are allowed")
        }
        let check = BatchCheck()
        let now = Microseconds.timestamp(parts.clock.now)
        return try request.messages.enumerated().map { number, message in
            var message = message
            if !message.hasTime { message.time = now }
            do throws(IncomingPublication.Refusal) {
                _ = try check.check(Batch(message))
            } catch {
                throw HedgerowError(.invalidArgument, error.reason, "messages[\(number)]: \(error.detail)")
            }
            return message
        }
    }

    private static func invalid(_ field: String, _ problem: String) -> HedgerowError {
        HedgerowError(.invalidArgument, .invalidField, "\(field) \(problem)")
    }
}
