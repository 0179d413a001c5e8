import Foundation
import GRDB
import GRPCCore
import HedgerowAPI
import Messaging
import Observability
import RPCSupport
import StreamStore
import SwiftProtobuf
import TestSupport
import Testing

@testable import EdgeCore

/// What operators ask of the streams of a core, and how these stand.
@Suite(.timeLimit(.minutes(2))) struct StreamCommandTests {
    static let routed = revision([("thing:*", "#", "cloud", "")])

    /// A core whose default stream has the messages 1 to 5 of `a` and 1 to 3 of `b`.
    func withMessages(_ body: @escaping @Sendable (TelemetryFixture) async throws -> Void) async throws {
        try await TelemetryFixture.with { fixture in
            try await fixture.ingest([messages(1, 5)])
            try await fixture.ingest([messages(1, 3)], of: "b")
            try await body(fixture)
        }
    }

    func read(
        _ fixture: TelemetryFixture, _ fill: (inout Hedgerow_Stream_V1_ReadStreamRequest) -> Void = { _ in }
    ) async throws -> Hedgerow_Stream_V1_ReadStreamResponse {
        var command = StreamCommandRunner.Command()
        command.commandID = 7
        command.read.stream = "default"
        fill(&command.read)
        let result = await StreamCommandRunner(parts: fixture.parts).run(command)
        #expect(result.commandID == 7)
        guard case .read(let response)? = result.result else {
            throw HedgerowError(.unknown, result.failure.reason, result.failure.message)
        }
        return response
    }

    @Test func messagesAreReadOneByOneFromTheOldest() async throws {
        try await withMessages { fixture in
            let all = try await read(fixture)
            #expect(all.messages.map(\.position.sequence) == [1, 2, 3, 4, 5, 6, 7, 8])
            #expect(
                all.messages.map(\.record.origin.thing) == Array(repeating: "a", count: 5) + ["b", "b", "b"])
            #expect(all.messages.map(\.record.origin.firstSequence) == [1, 2, 3, 4, 5, 1, 2, 3])
            #expect(all.messages[0].record.message.payload.data == Data([1, 1, 1, 1]))
            #expect(all.messages[0].record.message.topic == "t/a")
            #expect(all.messages[0].record.hasReceiveTime)
            #expect(all.end)
            #expect(all.next.sequence == 9)
        }
    }

    @Test func aPageEndsInTheMiddleOfABatchAndTheNextGoesOnThere() async throws {
        try await withMessages { fixture in
            let first = try await read(fixture) { $0.pageSize = 3 }
            #expect(first.messages.map(\.position.sequence) == [1, 2, 3])
            #expect(!first.end)
            #expect(first.next.sequence == 4)
            let second = try await read(fixture) {
                $0.pageSize = 4
                $0.position = first.next
            }
            #expect(second.messages.map(\.position.sequence) == [4, 5, 6, 7])
            #expect(!second.clamped)
            let third = try await read(fixture) { $0.position = second.next }
            #expect(third.messages.map(\.position.sequence) == [8])
            #expect(third.end)
        }
    }

    @Test func whatIsGoneIsClampedUpAndSaidSo() async throws {
        try await withMessages { fixture in
            let unknown = try await read(fixture) {
                $0.position.epoch = Data(repeating: 9, count: 16)
                $0.position.sequence = 3
            }
            #expect(unknown.clamped)
            #expect(unknown.messages.first?.position.sequence == 1)
        }
    }

    @Test func readingFromTheNewestWaitsForWhatComes() async throws {
        try await withMessages { fixture in
            let nothing = try await read(fixture) { $0.newest = true }
            #expect(nothing.messages.isEmpty)
            #expect(nothing.next.sequence == 9)
            async let waiting = read(fixture) {
                $0.newest = true
                $0.wait = Google_Protobuf_Duration(seconds: 10)
            }
            async let following = read(fixture) {
                $0.position = nothing.next
                $0.wait = Google_Protobuf_Duration(seconds: 10)
            }
            // Both may read before or after this: either finds the messages, now or when it is woken.
            try await eventually("both listen") { fixture.parts.uplinks.listeners(of: "default") == 2 }
            try await fixture.ingest([messages(6, 7)])
            let (first, second) = try await (waiting, following)
            #expect(first.messages.map(\.position.sequence) == [9, 10])
            #expect(second.messages.map(\.position.sequence) == [9, 10])
        }
    }

    @Test func anAnswerIsBoundedInBytes() async throws {
        try await TelemetryFixture.with { fixture in
            for number in 0..<8 {
                let first = UInt64(number * 10 + 1)
                try await fixture.ingest([messages(first, first + 9, bytes: 10_000)])
            }
            var request = Hedgerow_Stream_V1_ReadStreamRequest()
            var sequences: [UInt64] = []
            var pages = 0
            while true {
                let page = try await read(fixture) { [request] in
                    $0.pageSize = 1_000
                    if request.start != nil { $0.start = request.start }
                }
                #expect(try page.serializedData().count <= StreamCommandRunner.maximumBytes + 1_024)
                sequences += page.messages.map(\.position.sequence)
                pages += 1
                if page.end { break }
                request.position = page.next
            }
            #expect(sequences == Array(1...80))
            #expect(pages > 2)
        }
    }

    @Test func whatIsDeletedIsEnteredAsLost() async throws {
        try await withMessages { fixture in
            let runner = StreamCommandRunner(parts: fixture.parts)
            let result = await runner.run(.with { $0.delete.stream = "default" })
            #expect(result.delete.messages == 8)
            let left = try await fixture.contents()
            #expect(left.allSatisfy { $0.contains("deleted") })
            #expect(fixture.parts.counters.snapshot["default"]?.lost == [.deleted: 8])
            let again = await runner.run(.with { $0.delete.stream = "default" })
            #expect(again.delete.messages == 0)
            let rest = try await read(fixture)
            #expect(rest.messages.allSatisfy { $0.lost.reason == .deleted })
            #expect(rest.messages.reduce(0) { $0 + $1.lost.sequences } == 8)
        }
    }

    @Test func anExportIsPausedAndResumed() async throws {
        try await withMessages { fixture in
            let runner = StreamCommandRunner(parts: fixture.parts)
            let paused = await runner.run(
                .with {
                    $0.pause.stream = "default"
                    $0.pause.export = "cloud"
                })
            #expect(paused.pause.export.paused)
            #expect(paused.pause.export.messages == 8)
            #expect(paused.pause.export.kind == "cloud")
            let stored = try await fixture.pool.read { db in try DurableStreams(db).exports(of: "default") }
            #expect(stored.map(\.isPaused) == [true])
            let resumed = await runner.run(
                .with {
                    $0.resume.stream = "default"
                    $0.resume.export = "cloud"
                })
            #expect(!resumed.resume.export.paused)
            let none = await runner.run(
                .with {
                    $0.pause.stream = "default"
                    $0.pause.export = "archive"
                })
            #expect(none.failure.code == 5)
            #expect(none.failure.message.contains("has no export \"archive\"; it has \"cloud\""))
        }
    }

    @Test func whatThereIsNotIsSaidSo() async throws {
        try await withMessages { fixture in
            let runner = StreamCommandRunner(parts: fixture.parts)
            let stream = await runner.run(.with { $0.read.stream = "none" })
            #expect(stream.failure.code == 5)
            #expect(stream.failure.reason == .notFound)
            let epoch = await runner.run(
                .with {
                    $0.read.stream = "default"
                    $0.read.position.epoch = Data([1])
                })
            #expect(epoch.failure.code == 3)
            let newer = await runner.run(.with { $0.commandID = 3 })
            #expect(newer.commandID == 3)
            #expect(newer.failure.code == 12)
        }
    }

    @Test func theMonitorTellsHowTheStreamsStand() async throws {
        try await withMessages { fixture in
            let monitor = StreamMonitor(parts: fixture.parts, interval: .milliseconds(10))
            fixture.parts.counters.appended(["default": 8], bytes: ["default": 32])
            fixture.parts.counters.lost(2, .overwritten, of: "default")
            fixture.parts.counters.failed("default", because: "nothing answers")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await monitor.run() }
                try await eventually("a look") { !monitor.statuses.isEmpty }
                group.cancelAll()
            }
            let status = try #require(monitor.statuses.first { $0.stream == "default" })
            #expect(status.messages == 8)
            #expect(status.bytes > 0)
            #expect(status.maxBytes == 256 << 20)
            #expect(status.priority == 5)
            #expect(status.oldestReceiveTime.seconds == 1)
            #expect(status.epochs.count == 1)
            #expect(status.epochs.first?.oldestSequence == 1)
            #expect(status.epochs.first?.newestSequence == 8)
            #expect(status.epochs.first?.current == true)
            #expect(status.appendedMessages == 8)
            #expect(status.lost.map(\.count) == [2])
            #expect(status.exports.map(\.name) == ["cloud"])
            #expect(status.exports.first?.kind == "cloud")
            #expect(status.exports.first?.messages == 8)
            #expect(status.exports.first?.lastError == "nothing answers")
            let names = Set(StreamSamples(monitor).all.map(\.name))
            for name in [
                "hedgerow_stream_messages", "hedgerow_stream_bytes", "hedgerow_stream_oldest_age_seconds",
                "hedgerow_stream_appended_messages", "hedgerow_stream_forwarded_messages",
                "hedgerow_stream_lost_messages", "hedgerow_export_behind_messages",
            ] {
                #expect(names.contains(name))
            }
        }
    }

    @Test func ratesAreThoseOfTheLastMinute() {
        var rates = StreamRates()
        let start = ContinuousClock.now
        var totals = StreamCounters.Totals()
        #expect(rates.rates(of: "a").appended.messagesPerSecond == 0)
        for tick in 0...20 {
            rates.add(["a": totals], at: start + .seconds(tick * 10))
            // Ten a second for a hundred seconds, then nothing.
            if tick < 10 {
                totals.appendedMessages += 100
                totals.forwardedBytes += 1_000
            }
            if tick == 8 {
                #expect(rates.rates(of: "a").appended.messagesPerSecond == 10)
                #expect(rates.rates(of: "a").forwarded.bytesPerSecond == 100)
            }
        }
        #expect(rates.rates(of: "a").appended.messagesPerSecond == 0)
        #expect(rates.rates(of: "b").appended.messagesPerSecond == 0)
    }
}

extension TelemetryFixture {
    /// Ingests as the core does, wakes who waits, under the revision that routes everything to the cloud.
    fileprivate func ingest(_ items: [IngestItem], of thing: String = "a") async throws {
        let result = try await transaction(session(thing), StreamCommandTests.routed) { try $0.ingest(items) }
        parts.uplinks.wake(result.wokenStreams, messages: result.appended)
    }
}
