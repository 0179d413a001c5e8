import Foundation
import GRPCCore
import HedgerowAPI
import InMemoryLogging
import Logging
import Observability
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing
import Tracing

@testable import OTLPExporter

@Suite struct TraceExporterTests {
    private struct Rig: Sendable {
        let tracing: ProgramTracing
        let log = InMemoryLogHandler()

        init(port: Int, _ more: [String: String] = [:]) {
            let environment = [
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:\(port)", "OTEL_BSP_SCHEDULE_DELAY": "20",
            ].merging(more) { _, new in new }
            tracing = ProgramTracing(environment: environment, service: "hedgerow-core")
        }

        var tracer: RecordingTracer { tracing.tracer! }
        var messages: [String] { log.entries.map { "\($0.message)" } }

        /// Exports while the body runs, then shuts down gracefully.
        func exporting(_ body: @escaping @Sendable () async throws -> Void) async throws {
            let log = log
            let logger = Logger(label: "t", factory: { _ in log })
            let services = tracing.services(instance: { "pi-1" }, version: "1.2.3", logger: logger)
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: services + [
                        .init(
                            service: ClosureService { try await body() },
                            successTerminationBehavior: .gracefullyShutdownGroup)
                    ], logger: logger))
            try await group.run()
        }
    }

    @Test func spansArriveWithEverythingThatIsKnownOfThem() async throws {
        try await CollectorForTests.serving { collector, port in
            let rig = Rig(
                port: port,
                [
                    "OTEL_EXPORTER_OTLP_HEADERS": "api-key=s%20ecret",
                    "OTEL_RESOURCE_ATTRIBUTES": "site=hall",
                    "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
                ])
            try await rig.exporting {
                let outer = rig.tracer.startSpan("core receive", context: .topLevel, ofKind: .consumer)
                let inner = rig.tracer.startSpan("core append", context: outer.context)
                inner.updateAttributes {
                    $0["rows"] = 3
                    $0["share"] = 0.5
                    $0["whole"] = true
                    $0["stream"] = "default"
                }
                inner.addEvent(SpanEvent(name: "written"))
                inner.end()
                outer.setStatus(.init(code: .error, message: "full"))
                outer.end()
                try await eventually("two spans", holds: { collector.names.count == 2 })
            }
            let program = try #require(collector.requests.first?.resourceSpans.first)
            let resource = Dictionary(
                uniqueKeysWithValues: program.resource.attributes.map { ($0.key, $0.value.stringValue) })
            #expect(resource["service.name"] == "hedgerow-core")
            #expect(resource["service.instance.id"] == "pi-1")
            #expect(resource["service.version"] == "1.2.3")
            #expect(resource["site"] == "hall")
            #expect(Array(try #require(collector.metadata.first)[stringValues: "api-key"]) == ["s ecret"])

            let spans = program.scopeSpans.flatMap(\.spans)
            let inner = try #require(spans.first { $0.name == "core append" })
            let outer = try #require(spans.first { $0.name == "core receive" })
            #expect(inner.traceID == outer.traceID && inner.traceID.count == 16)
            #expect(inner.parentSpanID == outer.spanID && inner.spanID.count == 8)
            #expect(outer.parentSpanID.isEmpty)
            #expect(outer.kind == .consumer && inner.kind == .internal)
            #expect(outer.status.code == .error && outer.status.message == "full")
            #expect(inner.endTimeUnixNano >= inner.startTimeUnixNano && inner.startTimeUnixNano > 0)
            let attributes = Dictionary(uniqueKeysWithValues: inner.attributes.map { ($0.key, $0.value) })
            #expect(attributes["rows"]?.intValue == 3)
            #expect(attributes["share"]?.doubleValue == 0.5)
            #expect(attributes["whole"]?.boolValue == true)
            #expect(attributes["stream"]?.stringValue == "default")
            #expect(inner.events.map(\.name) == ["written"])
        }
    }

    @Test func aCollectorThatIsBusyIsTriedAgain() async throws {
        try await CollectorForTests.serving { collector, port in
            collector.answer(.failure(RPCError(code: .unavailable, message: "busy")))
            let rig = Rig(port: port)
            try await rig.exporting {
                rig.tracer.startSpan("s", context: .topLevel).end()
                try await eventually("the span", holds: { collector.names == ["s"] })
            }
            // Once more where the machine was so busy that an answer came after its deadline.
            #expect(collector.metadata.count >= 2)
            #expect(rig.messages.isEmpty)
        }
    }

    @Test func whatTheCollectorRefusesIsDroppedAndSaidOnce() async throws {
        try await CollectorForTests.serving { collector, port in
            collector.answer(
                .failure(RPCError(code: .invalidArgument, message: "no")),
                .failure(RPCError(code: .invalidArgument, message: "no")))
            let rig = Rig(port: port)
            try await rig.exporting {
                for call in 1...2 {
                    rig.tracer.startSpan("refused", context: .topLevel).end()
                    try await eventually("call \(call)", holds: { collector.metadata.count == call })
                }
                rig.tracer.startSpan("taken", context: .topLevel).end()
                try await eventually("the span", holds: { collector.names == ["taken"] })
            }
            #expect(
                rig.messages == [
                    "traces are dropped until the collector takes them again; readings are not affected",
                    "the collector takes traces again",
                ])
        }
    }

    @Test func aPartialSuccessIsSaid() async throws {
        try await CollectorForTests.serving { collector, port in
            var answer = CollectorForTests.Response()
            answer.partialSuccess.rejectedSpans = 1
            answer.partialSuccess.errorMessage = "quota"
            collector.answer(.success(answer))
            let rig = Rig(port: port)
            try await rig.exporting {
                rig.tracer.startSpan("s", context: .topLevel).end()
                try await eventually("the notice", holds: { !rig.messages.isEmpty })
            }
            #expect(rig.log.entries.contains { "\($0.metadata["cause"] ?? "")".contains("quota") })
        }
    }

    @Test func theLastSpansAreSentWhenTheProgramEnds() async throws {
        try await CollectorForTests.serving { collector, port in
            let rig = Rig(port: port, ["OTEL_BSP_SCHEDULE_DELAY": "3600000"])
            try await rig.exporting {
                rig.tracer.startSpan("last", context: .topLevel).end()
            }
            #expect(collector.names == ["last"])
        }
    }

    @Test func aFullBatchDoesNotWaitForItsTime() async throws {
        try await CollectorForTests.serving { collector, port in
            let rig = Rig(
                port: port, ["OTEL_BSP_SCHEDULE_DELAY": "3600000", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "3"])
            try await rig.exporting {
                for _ in 0..<3 { rig.tracer.startSpan("s", context: .topLevel).end() }
                try await eventually("the batch", holds: { collector.names.count == 3 })
            }
        }
    }

    /// Between two full batches it waits, and does not look again and again.
    @Test(.timeLimit(.minutes(1))) func afterAFullBatchItWaitsForTheNext() async throws {
        try await CollectorForTests.serving { collector, port in
            let rig = Rig(port: port, ["OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "3"])
            let clock = StandingClock()
            let exporter = TraceExporter(
                settings: rig.tracing.settings, buffer: rig.tracer.buffer, resource: { [:] }, version: "1",
                clock: clock, logger: Logger(label: "t", factory: { _ in SwiftLogNoOpLogHandler() }))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await exporter.run() }
                for batch in 1...4 {
                    for _ in 0..<3 { rig.tracer.startSpan("s", context: .topLevel).end() }
                    try await eventually("batch \(batch)", holds: { collector.names.count == 3 * batch })
                }
                #expect(collector.requests.count == 4)
                // One wait before each batch, and the one that goes on.
                #expect(clock.sleeps <= 5)
                group.cancelAll()
            }
        }
    }

    /// What is left out again and again is said once a minute, however often the collector takes the rest.
    @Test func whatIsLeftOutAgainAndAgainIsSaidOnce() async throws {
        try await CollectorForTests.serving { collector, port in
            var answer = CollectorForTests.Response()
            answer.partialSuccess.rejectedSpans = 1
            collector.answer(.success(answer), .success(answer), .success(answer))
            let rig = Rig(port: port)
            try await rig.exporting {
                for call in 1...4 {
                    rig.tracer.startSpan("s", context: .topLevel).end()
                    try await eventually("call \(call)", holds: { collector.metadata.count == call })
                }
            }
            #expect(rig.messages == ["some traces are left out; readings are not affected"])
        }
    }

    /// With nobody at the port, the buffer fills to its bound, nothing waits, and the end comes soon.
    @Test(.timeLimit(.minutes(1))) func withoutACollectorNothingWaitsAndMemoryIsBounded() async throws {
        let port = try await Self.unusedPort()
        let rig = Rig(port: port, ["OTEL_BSP_MAX_QUEUE_SIZE": "50", "OTEL_BSP_EXPORT_TIMEOUT": "200"])
        try await rig.exporting {
            for _ in 0..<40 {
                let root = rig.tracer.startSpan("s", context: .topLevel)
                for _ in 0..<10 { rig.tracer.startSpan("t", context: root.context).end() }
            }
            #expect(rig.tracer.buffer.count <= 50)
            try await eventually("the notice", holds: { !rig.messages.isEmpty })
            for _ in 0..<400 { rig.tracer.startSpan("u", context: .topLevel).end() }
            #expect(rig.tracer.buffer.count <= 50)
        }
        #expect(rig.messages.count == 1)
    }

    @Test func anUnreadableCertificateIsSaidAndTheProgramGoesOn() async throws {
        let rig = Rig(
            port: 1,
            [
                "OTEL_EXPORTER_OTLP_ENDPOINT": "https://127.0.0.1:1",
                "OTEL_EXPORTER_OTLP_CERTIFICATE": "/nonexistent.pem",
            ])
        try await rig.exporting {
            rig.tracer.startSpan("s", context: .topLevel).end()
            try await eventually("a word about it", holds: { !rig.messages.isEmpty })
        }
        #expect(rig.messages.count == 1)
    }

    @Test func withoutVariablesThereIsNothingToRun() {
        let tracing = ProgramTracing(environment: [:], service: "hedgerow-core")
        #expect(tracing.tracer == nil)
        #expect(tracing.services(instance: { nil }, version: "1", logger: Logger(label: "t")).isEmpty)
    }

    private static func unusedPort() async throws -> Int {
        let port = Mutex(0)
        try await CollectorForTests.serving { _, chosen in port.withLock { $0 = chosen } }
        return port.withLock { $0 }
    }
}
