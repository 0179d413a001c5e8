import FoundationEssentials
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import PKI
import SwiftProtobuf

/// One session on one connection: opens the stream, resumes, sends, and takes the answers.
struct PublishSession: Sendable {
    typealias Client = Hedgerow_Telemetry_V1_TelemetryService.Client<HTTP2ClientTransport.Posix>

    /// A difference between the clocks above this makes ours doubtful.
    static let tolerableClockDifference: Double = 120

    let publisher: Publisher
    let stream: String
    let target: ServerTarget
    let now: @Sendable () -> Date

    /// Returns when the server has ended the stream without an error, which it does after the thing closed.
    ///
    /// - Throws: `RPCError` from the server or the line, `PublisherBuffer.ProtocolViolation`.
    func run(_ client: Client) async throws {
        try await client.publish { writer in
            try await writer.write(publisher.openingRequest(stream: stream))
            while let request = try await publisher.nextRequest() {
                try await writer.write(request)
            }
        } onResponse: { response in
            var resumed = false
            for try await message in response.messages {
                if !resumed {
                    compareClocks(message)
                    try publisher.resume(after: message.resumeAfterSequence, core: target.core)
                    publisher.report(.connected(core: target.core, address: target.endpoint.description))
                    resumed = true
                }
                try publisher.handle(message)
            }
            if !resumed {
                throw RPCError(code: .unavailable, message: "The server ended the stream without a word.")
            }
        }
    }

    private func compareClocks(_ response: Hedgerow_Telemetry_V1_PublishResponse) {
        guard response.hasServerTime else { return }
        let difference = now().timeIntervalSince1970 - Double(response.serverTime.seconds)
        let doubtful = abs(difference) > Self.tolerableClockDifference
        publisher.setClockDoubtful(doubtful)
        if doubtful { publisher.report(.clockDoubtful(differenceSeconds: difference)) }
    }
}
