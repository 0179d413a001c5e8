import GRPCCore
import HedgerowAPI
import Identity
import RPCSupport

/// The core's `TelemetryService`, for the things of its group.
struct CoreTelemetryService: ArrivedPublishing {
    let parts: TelemetryParts

    func publish(
        arrived requests: RPCAsyncSequence<ArrivedPublishRequest, any Error>,
        response: RPCWriter<PublishResponse>,
        context: ServerContext
    ) async throws {
        let peer = try context.peer().principal
        let handler = PublishHandler(
            backend: CorePublishBackend(parts: parts), sessions: parts.sessions, clock: parts.clock,
            rates: parts.rates, logger: parts.logger)
        try await handler.serve(publisher: peer, requests: requests, responses: response)
    }

    func subscribe(
        request: RPCAsyncSequence<Hedgerow_Telemetry_V1_SubscribeRequest, any Error>,
        response: RPCWriter<Hedgerow_Telemetry_V1_SubscribeResponse>, context: ServerContext
    ) async throws {
        let thing = try context.peer().principal.name
        let handler = SubscribeHandler { start in
            let outlet = ThingOutlet(
                thing: thing, filters: try SubscribeHandler.filters(start.topicFilters),
                isAtLeastOnce: start.atLeastOnce)
            guard parts.outlets.add(outlet) else {
                throw HedgerowError(
                    .resourceExhausted, .tooManyCalls,
                    "thing \"\(thing)\" has \(ThingOutlets.maximumPerThing) subscriptions open; end one first",
                    retryAfter: .seconds(10))
            }
            return ThingDeliverySource(outlet: outlet, parts: parts)
        }
        try await handler.serve(requests: request, responses: response) {
            try await context.cancellation.cancelled
        }
    }

    func query(
        request: Hedgerow_Telemetry_V1_QueryRequest, context: ServerContext
    ) async throws -> Hedgerow_Telemetry_V1_QueryResponse {
        throw Self.cloudOnly
    }

    func getLedger(
        request: Hedgerow_Telemetry_V1_GetLedgerRequest, context: ServerContext
    ) async throws -> Hedgerow_Telemetry_V1_GetLedgerResponse {
        throw Self.cloudOnly
    }

    private static let cloudOnly = HedgerowError(
        .unimplemented, .roleNotAllowed, "a core keeps no history; ask the cloud")
}
