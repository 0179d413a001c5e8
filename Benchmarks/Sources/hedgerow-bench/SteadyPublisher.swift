import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCProtobuf
import HedgerowAPI
import SwiftProtobuf

/// One publishing stream at a steady rate, each reading in a request of its own.
struct SteadyPublisher: Sendable {
    private static let heldUp: Duration = .milliseconds(5)

    let topic: String
    /// Name of the stream on the core's side.
    let stream: String
    /// Readings per second.
    let rate: Double
    let log: LatencyLog
    /// Names the readings: the cloud tells it with each.
    let epoch = Data((0..<16).map { _ in UInt8.random(in: 0...255) })
    /// Makes the request of a sequence; nil for a reading whose four numbers never change.
    var makeRequest: (@Sendable (UInt64) throws -> [UInt8])?

    /// Publishes until it is over, and until all is acknowledged.
    ///
    /// - Parameter isOver: asked with each sequence before it is sent.
    func run(
        _ client: GRPCClient<HTTP2ClientTransport.Posix>, until isOver: @escaping @Sendable (UInt64) -> Bool
    ) async throws {
        let template = try BatchTemplate(
            topic: topic, readings: 1, base: UInt64(Date().timeIntervalSince1970))
        let interval = Duration.seconds(1 / rate)
        try await client.bidirectionalStreaming(
            request: StreamingClientRequest { writer in
                var opening = Hedgerow_Telemetry_V1_PublishRequest()
                opening.session.stream = stream
                opening.session.epoch = epoch
                opening.session.oldestSequence = 1
                try await writer.write(opening.serializedBytes())
                var next = ContinuousClock.now + .milliseconds(200)
                var sequence: UInt64 = 1
                while !isOver(sequence) {
                    // What is due already goes at once: the load that was asked for is offered.
                    if next > .now { try await Task.sleep(until: next) }
                    let request = try makeRequest?(sequence) ?? template.request(sequence: sequence)
                    // A reading that was held up counts from when it was due.
                    let now = ContinuousClock.now
                    log.send(at: now - next > Self.heldUp ? next : now)
                    try await writer.write(request)
                    next += interval
                    sequence += 1
                }
            }, descriptor: Hedgerow_Telemetry_V1_TelemetryService.Method.Publish.descriptor,
            serializer: BytesSerializer(),
            deserializer: ProtobufDeserializer<Hedgerow_Telemetry_V1_PublishResponse>(), options: .defaults
        ) { response in
            for try await message in response.messages {
                if let rejected = message.rejected.first {
                    throw RPCError(code: .failedPrecondition, message: "rejected: \(rejected.detail)")
                }
                log.acknowledge(through: message.acknowledgedSequence, at: .now)
            }
        }
    }
}
