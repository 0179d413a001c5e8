import ArgumentParser
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import SwiftProtobuf

/// `hedgerow-bench shadow-latency`: one thing at a steady rate; how long until the cloud's shadow has what it
/// published, and says so to somebody who watches. Both ends are here, on one clock.
struct ShadowLatency: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shadow-latency",
        abstract: "Publish steadily, and measure the time until the cloud's shadow has it.")

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

    @Option(help: "Name of the thing.")
    var thing = "bench-1"

    @Option(help: "Topic of the readings, which a transform reports to the shadow.")
    var topic = "bench/readings"

    @Option(help: "Readings per second.")
    var rate = 20.0

    @Option(help: "Readings that are measured; as many as come in two seconds go before, unmeasured.")
    var count = 400

    /// An `update/accepted`, or the document as it is.
    private struct Document: Decodable {
        struct State: Decodable {
            struct Reported: Decodable {
                let count: Int64?
            }
            let reported: Reported?
        }
        let state: State?
    }

    func run() async throws {
        let log = LatencyLog()
        let warmUp = Int(rate * 2)
        let total = UInt64(warmUp + count)
        // So that no document of an earlier call is taken for one of this.
        let base = Int64(Date().timeIntervalSince1970 * 1_000)
        var publisher = SteadyPublisher(topic: topic, stream: "shadow-latency", rate: rate, log: log)
        publisher.makeRequest = { try request($0, count: base + Int64($0)) }
        let (sending, core) = (publisher, try TLSFiles(directory: identity, roots: roots))
        try await cloud.withClient(try TLSFiles(directory: operatorIdentity), coalescing: false) {
            watching in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await watch(watching, log, base: base) }
                try await to.withClient(core, coalescing: false) { publishing in
                    try await sending.run(publishing) { $0 > total }
                }
                let deadline = ContinuousClock.now + .seconds(10)
                while log.counts.committed < total, ContinuousClock.now < deadline {
                    try await Task.sleep(for: .milliseconds(5))
                }
                group.cancelAll()
            }
        }
        let measured = log.entries.dropFirst(warmUp)
        JSONLine.print(
            LatencyLog.summary(of: measured),
            lists: ["cloud_ms": measured.compactMap(\.committed).map { $0 * 1e3 }])
    }

    /// Notes what the cloud says of the shadow; a document that has a reading has all before it.
    private func watch(
        _ client: GRPCClient<HTTP2ClientTransport.Posix>, _ log: LatencyLog, base: Int64
    ) async throws {
        let service = Hedgerow_Shadow_V1_ShadowService.Client(wrapping: client)
        var request = Hedgerow_Shadow_V1_WatchShadowRequest()
        request.thing = thing
        request.kinds = [.accepted]
        try await service.watchShadow(request) { response in
            for try await event in response.messages where !event.document.isEmpty {
                let now = ContinuousClock.now
                let document = try JSONDecoder().decode(Document.self, from: Data(event.document.utf8))
                guard let count = document.state?.reported?.count, count > base else { continue }
                log.commit(1...UInt64(count - base), at: now)
            }
        }
    }

    /// A reading in its plain form, with a number that the shadow will show.
    private func request(_ sequence: UInt64, count: Int64) throws -> [UInt8] {
        var message = Hedgerow_Type_V1_Message()
        message.topic = topic
        message.time = Google_Protobuf_Timestamp(date: Date())
        let numbers = [
            "temperature": 21.375, "humidity": 48.25, "pressure": 1_013.25, "gas_resistance": 120_034.5,
        ]
        message.reading.values = numbers.mapValues { number in .with { $0.doubleValue = number } }
        message.reading.values["count"] = .with { $0.integerValue = count }
        var request = Hedgerow_Telemetry_V1_PublishRequest()
        request.publications = [
            .with {
                $0.sequence = sequence
                $0.message = message
            }
        ]
        return try request.serializedBytes()
    }
}
