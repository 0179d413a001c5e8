public import GRPCCore
public import HedgerowAPI
public import Messaging
import StreamStore
import SwiftProtobuf

/// Serves `Subscribe` on core and cloud alike: credit and acknowledgements in, deliveries out.
public struct SubscribeHandler: Sendable {
    /// Most messages that may be outstanding.
    public static let maximumCredit = 10_000
    /// Most filters of a subscription.
    public static let maximumFilters = 100
    private static let maximumPerResponse = 256
    /// Bytes after which a response is sent without waiting for more; below gRPC's message limit.
    private static let maximumResponseBytes = 1 << 20

    private let makeSource:
        @Sendable (Hedgerow_Telemetry_V1_SubscribeStart) async throws -> any DeliverySource

    /// Makes a handler.
    ///
    /// - Parameter makeSource: Finds the messages for what a subscriber asks, or refuses it.
    public init(
        makeSource:
            @escaping @Sendable (Hedgerow_Telemetry_V1_SubscribeStart) async throws -> any DeliverySource
    ) {
        self.makeSource = makeSource
    }

    /// Reads topic filters as a subscriber gave them.
    ///
    /// - Throws: ``HedgerowError`` INVALID_ARGUMENT that names the wrong one.
    public static func filters(_ texts: [String]) throws -> [TopicFilter] {
        guard (1...maximumFilters).contains(texts.count) else {
            throw HedgerowError(
                .invalidArgument, .invalidField,
                "start.topic_filters: 1 to \(maximumFilters) filters are allowed, not \(texts.count)")
        }
        var filters: [TopicFilter] = []
        for text in texts {
            do throws(InvalidTopic) {
                filters.append(try TopicFilter(text))
            } catch {
                throw HedgerowError(
                    .invalidArgument, .invalidField, "start.topic_filters: \(error.description)",
                    violations: [.init(field: "start.topic_filters", description: error.description)])
            }
        }
        return filters
    }

    /// Serves one stream.
    ///
    /// - Parameter cancelled: returns when the call is over (deadline, peer gone, shutdown): grpc-swift does not cancel the
    ///   handler's task by itself.
    public func serve(
        requests: RPCAsyncSequence<Hedgerow_Telemetry_V1_SubscribeRequest, any Error>,
        responses: RPCWriter<Hedgerow_Telemetry_V1_SubscribeResponse>,
        cancelled: @escaping @Sendable () async throws -> Void
    ) async throws {
        let credit = Credit()
        let source = Slot<any DeliverySource>()
        let started = Signal()
        do {
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    try await read(requests, credit: credit) { made in
                        source.value = made
                        started.signal()
                    }
                    // A subscriber that has nothing more to say goes on receiving what its credit allows.
                    started.signal()
                    return source.value == nil
                }
                group.addTask {
                    await started.wait()
                    guard let live = source.value else { return true }
                    try await write(live, credit: credit, responses: responses)
                    return true
                }
                group.addTask {
                    try await cancelled()
                    try Task.checkCancellation()
                    throw HedgerowError(.unavailable, .shuttingDown, "the call was ended; connect again")
                }
                while let isDone = try await group.next() {
                    if isDone { break }
                }
                group.cancelAll()
            }
        } catch {
            await source.value?.close()
            throw error
        }
        await source.value?.close()
    }

    private func read(
        _ requests: RPCAsyncSequence<Hedgerow_Telemetry_V1_SubscribeRequest, any Error>, credit: Credit,
        started: (any DeliverySource) -> Void
    ) async throws {
        var source: (any DeliverySource)?
        for try await request in requests {
            if let live = source {
                if request.hasStart {
                    throw HedgerowError(
                        .invalidArgument, .invalidField, "start: only the first request may carry it")
                }
                if !request.acknowledgedDeliveryIds.isEmpty {
                    try await live.acknowledge(request.acknowledgedDeliveryIds)
                }
            } else {
                guard request.hasStart else {
                    throw HedgerowError(
                        .invalidArgument, .invalidField, "start: the first request has to carry it")
                }
                let made = try await makeSource(request.start)
                source = made
                started(made)
            }
            if request.hasConnectedThings {
                try await source?.setConnectedThings(request.connectedThings.things)
            }
            if request.addCredit > 0 { try credit.add(Int(request.addCredit), maximum: Self.maximumCredit) }
        }
    }

    private func write(
        _ source: any DeliverySource, credit: Credit,
        responses: RPCWriter<Hedgerow_Telemetry_V1_SubscribeResponse>
    ) async throws {
        while true {
            try Task.checkCancellation()
            let available = await credit.waitUntilAvailable()
            try Task.checkCancellation()
            let batch = try await source.take(limit: min(available, Self.maximumPerResponse))
            if batch.deliveries.isEmpty && batch.dropped == 0 {
                await source.wait()
                continue
            }
            credit.spend(batch.deliveries.count)
            for response in try Self.responses(for: batch) { try await responses.write(response) }
        }
    }

    /// Splits a batch so that no response comes near the message limit.
    private static func responses(
        for batch: DeliveryBatch
    ) throws -> [Hedgerow_Telemetry_V1_SubscribeResponse] {
        var list: [Hedgerow_Telemetry_V1_SubscribeResponse] = []
        var response = Hedgerow_Telemetry_V1_SubscribeResponse()
        response.dropped = batch.dropped
        var bytes = 0
        for delivery in batch.deliveries {
            let encoded: [UInt8] = try delivery.serializedBytes()
            let size = encoded.count
            if bytes > 0, bytes + size > maximumResponseBytes {
                list.append(response)
                response = .init()
                bytes = 0
            }
            response.deliveries.append(delivery)
            bytes += size
        }
        list.append(response)
        return list
    }
}
