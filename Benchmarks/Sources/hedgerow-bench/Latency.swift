import ArgumentParser
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCProtobuf
import HedgerowAPI
import SwiftProtobuf

/// `hedgerow-bench latency`: one thing at a steady rate; how long until a reading is acknowledged, and until the
/// cloud has committed it and tells a subscriber.
struct Latency: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "latency",
        abstract: "Publish steadily, and measure the time to acknowledgement and commit.")

    @Option(help: "Directory with chain.pem and key.pem of the thing.")
    var identity: String

    @Option(help: "PEM file of the core's authorities.")
    var roots: String

    @Option(help: "The core: SERVER-NAME@PORT.")
    var to: Peer

    @Option(help: "The cloud: SERVER-NAME@PORT.")
    var cloud: Peer

    @Option(help: "Directory of an operator's identity.")
    var operatorIdentity: String

    @Option(help: "Topic of the readings.")
    var topic = "bench/readings"

    @Option(help: "Topic on which the cloud gets what was made of them.")
    var storedTopic = "republish/reading"

    @Option(help: "Readings per second.")
    var rate = 20.0

    @Option(help: "Readings that are measured; as many as come in two seconds go before, unmeasured.")
    var count = 400

    func run() async throws {
        let epoch = Data((0..<16).map { _ in UInt8.random(in: 0...255) })
        let log = LatencyLog()
        let core = try TLSFiles(directory: identity, roots: roots)
        let warmUp = Int(rate * 2)
        let total = UInt64(warmUp + count)
        let cloudFiles = try TLSFiles(directory: operatorIdentity)
        try await cloud.withClient(cloudFiles, coalescing: false) { observer in
            try await to.withClient(core, coalescing: false) { publisher in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await observe(observer, epoch: epoch, until: total, log) }
                    group.addTask { try await publish(publisher, epoch: epoch, count: total, log) }
                    try await group.waitForAll()
                }
            }
        }
        JSONLine.print(log.summary(of: UInt64(warmUp + 1)...total))
    }

    private func publish(
        _ client: GRPCClient<HTTP2ClientTransport.Posix>, epoch: Data, count: UInt64, _ log: LatencyLog
    ) async throws {
        let template = try BatchTemplate(
            topic: topic, readings: 1, base: UInt64(Date().timeIntervalSince1970))
        let interval = Duration.seconds(1 / rate)
        try await client.bidirectionalStreaming(
            request: StreamingClientRequest { writer in
                var opening = Hedgerow_Telemetry_V1_PublishRequest()
                opening.session.stream = "latency"
                opening.session.epoch = epoch
                opening.session.oldestSequence = 1
                try await writer.write(opening.serializedBytes())
                var next = ContinuousClock.now + .milliseconds(200)
                for sequence in 1...count {
                    try await Task.sleep(until: next)
                    next += interval
                    let request = template.request(sequence: sequence)
                    log.send(sequence)
                    try await writer.write(request)
                }
            }, descriptor: Hedgerow_Telemetry_V1_TelemetryService.Method.Publish.descriptor,
            serializer: BytesSerializer(),
            deserializer: ProtobufDeserializer<Hedgerow_Telemetry_V1_PublishResponse>(), options: .defaults
        ) { response in
            for try await message in response.messages {
                log.acknowledge(through: message.acknowledgedSequence, at: .now)
            }
        }
    }

    private func observe(
        _ client: GRPCClient<HTTP2ClientTransport.Posix>, epoch: Data, until last: UInt64,
        _ log: LatencyLog
    ) async throws {
        let telemetry = Hedgerow_Telemetry_V1_TelemetryService.Client(wrapping: client)
        let (ended, end) = AsyncStream.makeStream(of: Never.self)
        try await telemetry.subscribe { writer in
            var request = Hedgerow_Telemetry_V1_SubscribeRequest()
            request.start.topicFilters = [storedTopic]
            request.addCredit = 10_000
            try await writer.write(request)
            for await _ in ended {}
        } onResponse: { response in
            defer { end.finish() }
            for try await message in response.messages {
                let now = ContinuousClock.now
                for delivery in message.deliveries where delivery.record.origin.epoch == epoch {
                    let sequence = delivery.record.origin.firstSequence
                    log.commit(sequence, at: now)
                    if sequence >= last { return }
                }
            }
        }
    }
}
