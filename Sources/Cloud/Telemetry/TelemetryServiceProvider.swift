import Foundation
import GRPCCore
import HedgerowAPI
import Identity
import Logging
import Messaging
import RPCSupport
import SwiftProtobuf

/// The cloud's `TelemetryService`.
struct TelemetryServiceProvider: ArrivedPublishing {
    let backend: CloudPublishBackend
    let sessions: SessionRegistry
    let live: LiveHub
    let downlink: Downlink
    let fleet: any TelemetryFleet
    let isRegistered: @Sendable (String) -> Bool
    let presence: @Sendable (Principal, Bool) -> Void
    let clock: WallClock
    let logger: Logger

    func publish(
        arrived requests: RPCAsyncSequence<ArrivedPublishRequest, any Error>,
        response: RPCWriter<PublishResponse>,
        context: ServerContext
    ) async throws {
        let peer = try context.peer().principal
        try requireRegistered(peer)
        presence(peer, true)
        defer { presence(peer, false) }
        let handler = PublishHandler(backend: backend, sessions: sessions, clock: clock, logger: logger)
        try await handler.serve(publisher: peer, requests: requests, responses: response)
    }

    func subscribe(
        request: RPCAsyncSequence<Hedgerow_Telemetry_V1_SubscribeRequest, any Error>,
        response: RPCWriter<Hedgerow_Telemetry_V1_SubscribeResponse>, context: ServerContext
    ) async throws {
        let peer = try context.peer().principal
        try requireRegistered(peer)
        presence(peer, true)
        defer { presence(peer, false) }
        let handler = SubscribeHandler { start in try source(for: peer, start) }
        try await handler.serve(requests: request, responses: response) {
            try await context.cancellation.cancelled
        }
    }

    private func source(
        for peer: Principal, _ start: Hedgerow_Telemetry_V1_SubscribeStart
    ) throws -> any DeliverySource {
        switch peer.role {
        case .core:
            return DownlinkSource(store: backend.store, downlink: downlink, things: [], isCore: true) {
                thing in
                fleet.maySpeak(peer, for: thing)
            }
        case .thing:
            return DownlinkSource(
                store: backend.store, downlink: downlink, things: [peer.name], isCore: false,
                isAtLeastOnce: start.atLeastOnce, filters: try SubscribeHandler.filters(start.topicFilters)
            ) { _ in false }
        case .operator, .app:
            if start.atLeastOnce {
                throw HedgerowError(
                    .invalidArgument, .invalidField,
                    "start.at_least_once: operators subscribe at QoS 0; use Query for what was missed")
            }
            let filters = try SubscribeHandler.filters(start.topicFilters)
            let thing = start.thing
            let listener = live.add(filters: filters) { thing.isEmpty || $0 == thing }
            return LiveDeliverySource(hub: live, listener: listener)
        }
    }

    func query(
        request: Hedgerow_Telemetry_V1_QueryRequest, context: ServerContext
    ) async throws -> Hedgerow_Telemetry_V1_QueryResponse {
        _ = try context.peer()
        let fingerprint = try Self.fingerprint(of: request)
        var query = HistoryQuery(limit: try Self.pageSize(request.pageSize, standard: 100))
        query.thing = request.thing.isEmpty ? nil : request.thing
        if !request.topicFilter.isEmpty {
            do throws(InvalidTopic) {
                query.filter = try TopicFilter(request.topicFilter)
            } catch {
                throw Self.invalid("topic_filter", error.description)
            }
        }
        if request.hasStartTime { query.start = try Self.instant(request.startTime, "start_time") }
        if request.hasEndTime { query.end = try Self.instant(request.endTime, "end_time") }
        if !request.pageToken.isEmpty {
            guard let position = HistoryPosition(token: request.pageToken, fingerprint: fingerprint) else {
                throw Self.badPageToken
            }
            query.position = position
        }
        let page = try await backend.store.query(query)
        return .with {
            $0.records = page.records
            $0.nextPageToken = page.next?.token(fingerprint: fingerprint) ?? ""
        }
    }

    func getLedger(
        request: Hedgerow_Telemetry_V1_GetLedgerRequest, context: ServerContext
    ) async throws -> Hedgerow_Telemetry_V1_GetLedgerResponse {
        _ = try context.peer()
        let limit = try Self.pageSize(request.pageSize, standard: 1_000)
        guard let offset = request.pageToken.isEmpty ? 0 : Int(request.pageToken), offset >= 0 else {
            throw Self.badPageToken
        }
        guard var ledger = try await backend.store.ledger(of: request.thing, offset: offset, limit: limit)
        else {
            guard isRegistered(request.thing) else {
                throw HedgerowError(
                    .notFound, .notFound,
                    "thing \"\(request.thing)\" is not registered and has no history; `hedgerow things list` has the names"
                )
            }
            return .init()
        }
        if ledger.ranges.count == limit { ledger.nextPageToken = String(offset + limit) }
        return ledger
    }

    /// A deleted thing's certificate may outlive it by some seconds; the registry decides.
    private func requireRegistered(_ peer: Principal) throws {
        guard peer.role == .thing || peer.role == .core, !isRegistered(peer.name) else { return }
        throw HedgerowError(
            .permissionDenied, .revoked, "\(peer) is not registered any more; register and enrol it again")
    }

    // MARK: Fields

    private static let badPageToken = HedgerowError(
        .outOfRange, .badPageToken, "page_token: it does not belong to this query; begin with the first page")

    private static func invalid(_ field: String, _ problem: String) -> HedgerowError {
        HedgerowError(
            .invalidArgument, .invalidField, "\(field): \(problem)",
            violations: [.init(field: field, description: problem)])
    }

    private static func pageSize(_ wanted: UInt32, standard: Int) throws -> Int {
        guard wanted <= 10_000 else { throw invalid("page_size", "1 to 10,000 are allowed, not \(wanted)") }
        return wanted == 0 ? standard : Int(wanted)
    }

    private static func instant(_ time: Google_Protobuf_Timestamp, _ field: String) throws -> Int64 {
        guard let instant = Microseconds.of(time) else {
            throw invalid(field, "it lies outside the years 1 to 9999")
        }
        return instant
    }

    private static func fingerprint(of request: Hedgerow_Telemetry_V1_QueryRequest) throws -> String {
        var same = request
        same.pageToken = ""
        same.pageSize = 0
        let bytes: Data = try same.serializedBytes()
        return bytes.base64EncodedString()
    }
}
