import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI

/// A subscriber at the cloud that notes when it is told of readings.
struct DeliveryObserver: Sendable {
    /// Messages that the cloud may send before more are asked for.
    private static let credit: UInt32 = 10_000

    let topics: [String]
    /// Where the readings of each publisher's epoch are noted.
    let logs: [Data: LatencyLog]

    /// Observes until it is cancelled.
    func run(_ client: GRPCClient<HTTP2ClientTransport.Posix>) async throws {
        let telemetry = Hedgerow_Telemetry_V1_TelemetryService.Client(wrapping: client)
        let (credits, grant) = AsyncStream.makeStream(of: UInt32.self)
        try await telemetry.subscribe { [topics] writer in
            var request = Hedgerow_Telemetry_V1_SubscribeRequest()
            request.start.topicFilters = topics
            request.addCredit = Self.credit
            try await writer.write(request)
            for await count in credits {
                var request = Hedgerow_Telemetry_V1_SubscribeRequest()
                request.addCredit = count
                try await writer.write(request)
            }
        } onResponse: { [logs] response in
            defer { grant.finish() }
            var used: UInt32 = 0
            for try await message in response.messages {
                let now = ContinuousClock.now
                for delivery in message.deliveries {
                    let origin = delivery.record.origin
                    logs[origin.epoch]?.commit(
                        origin.firstSequence...max(origin.firstSequence, origin.lastSequence), at: now)
                }
                used += UInt32(message.deliveries.count)
                if used >= Self.credit / 4 {
                    grant.yield(used)
                    used = 0
                }
            }
        }
    }
}
