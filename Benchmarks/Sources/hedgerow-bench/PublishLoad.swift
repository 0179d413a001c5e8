import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCProtobuf
import HedgerowAPI
import SwiftProtobuf
import Synchronization

/// One publishing stream at full speed: session, requests that were made before, acknowledgements counted.
struct PublishLoad: Sendable {
    /// What became of it.
    struct Outcome: Sendable {
        var readings: UInt64 = 0
        /// When the last acknowledgement came.
        var end: ContinuousClock.Instant
    }

    /// Readings that were written, told from the producer to the judge.
    private final class SentCount: Sendable {
        let readings = Mutex<UInt64>(0)
    }

    let template: BatchTemplate
    /// Name of the stream on the server's side.
    let stream: String
    /// Most requests that wait for their acknowledgement; nil where the server acknowledges at the end only.
    let inFlight: Int?
    /// Requests of one write.
    let chunk: Int
    let stop: ContinuousClock.Instant
    /// Most readings that are sent.
    var limit: UInt64 = .max

    func run(_ client: GRPCClient<HTTP2ClientTransport.Posix>) async throws -> Outcome {
        let window = InFlightWindow(inFlight ?? .max / 2)
        let opened = InFlightWindow(0)
        let sent = SentCount()
        let outcome = try await client.bidirectionalStreaming(
            request: StreamingClientRequest { writer in
                try await produce(writer, window: window, opened: opened, sent: sent)
            }, descriptor: Hedgerow_Telemetry_V1_TelemetryService.Method.Publish.descriptor,
            serializer: BytesSerializer(),
            deserializer: ProtobufDeserializer<Hedgerow_Telemetry_V1_PublishResponse>(), options: .defaults
        ) { response in
            defer {
                window.close()
                opened.close()
            }
            var acknowledged: UInt64 = 0
            var requests: UInt64 = 0
            for try await message in response.messages {
                if let rejected = message.rejected.first {
                    throw RPCError(code: .failedPrecondition, message: "rejected: \(rejected.detail)")
                }
                opened.give(1)
                acknowledged = message.acknowledgedSequence
                let done = acknowledged / UInt64(template.readings)
                if done > requests {
                    window.give(Int(done - requests))
                    requests = done
                }
            }
            return Outcome(readings: acknowledged, end: .now)
        }
        let readings = sent.readings.withLock { $0 }
        guard outcome.readings == readings else {
            throw RPCError(
                code: .dataLoss, message: "\(readings) readings sent, \(outcome.readings) acknowledged")
        }
        return outcome
    }

    private func produce(
        _ writer: RPCWriter<[UInt8]>, window: InFlightWindow, opened: InFlightWindow,
        sent: SentCount
    ) async throws {
        var opening = Hedgerow_Telemetry_V1_PublishRequest()
        opening.session.stream = stream
        opening.session.epoch = .init((0..<16).map { _ in UInt8.random(in: 0...255) })
        opening.session.oldestSequence = 1
        opening.session.level = .synced
        try await writer.write(opening.serializedBytes())
        guard await opened.take(upTo: 1) > 0 else { return }
        var next: UInt64 = 1
        while next <= limit, ContinuousClock.now < stop {
            let count = inFlight == nil ? chunk : await window.take(upTo: chunk)
            if count == 0 { return }
            if count == 1 {
                try await writer.write(template.request(sequence: next))
            } else {
                try await writer.write(
                    contentsOf: (0..<count).map {
                        template.request(sequence: next + UInt64($0 * template.readings))
                    })
            }
            next += UInt64(count * template.readings)
            sent.readings.withLock { [next] in $0 = next - 1 }
        }
    }
}
