import Components
import Foundation
import GRPCCore
import HedgerowAPI
import Messaging
import RPCSupport
import StreamStore
import Supervision
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing
import Transforms

@testable import EdgeCore

/// What becomes of messages that wait for programs (semantics, section 2; issue of components).
@Suite("Programs receive their inbox", .timeLimit(.minutes(5))) struct ReceiveTests {
    private static let routes = [
        ("thing:a", "t/#", "component:p", ""), ("component:p", "#", "cloud", ""),
        ("component:p", "$dead-letter/p", "cloud", ""),
    ]

    private static func numbers(_ events: [Hedgerow_Component_V1_Event]) -> [Int64] {
        events.map { $0.record.message.reading.values["n"]?.integerValue ?? -1 }
    }

    @Test("in order, and what they answer is stored once under the message's origin") func inOrder()
        async throws
    {
        try await ComponentAPIFixture.with { api in
            try await api.run(Self.routes, [try program("p")])
            try await api.ingest([readings(1, 5) { ["n": Int64($0)] }])
            #expect(try await api.waiting("p") == 5)
            try await api.receiving(as: "p") { receiver in
                try await receiver.waitForEvents(5)
                #expect(Self.numbers(receiver.events) == [1, 2, 3, 4, 5])
                let record = try #require(receiver.events.first?.record)
                #expect(record.origin.thing == "a" && record.origin.firstSequence == 1)
                #expect(record.core == "pi-1" && record.message.topic == "t/x")
                for event in receiver.events { receiver.answer(event) }
                try await receiver.waitForStored(5)
            }
            #expect(try await api.waiting("p") == 0)
            let contents = try await api.core.drained()
            #expect(contents.rows(of: "p#0") == (1...5).map { "\($0) out/x n=\($0)" })
            #expect(contents.overlaps.isEmpty)
            #expect(contents.derived.allSatisfy { $0.source?.component == "p" && $0.source?.revision == 1 })
        }
    }

    @Test("again where they ended without an answer, and what they answered stays answered") func again()
        async throws
    {
        try await ComponentAPIFixture.with { api in
            try await api.run(Self.routes, [try program("p")])
            try await api.ingest([readings(1, 3) { ["n": Int64($0)] }])
            try await api.receiving(as: "p") { receiver in
                try await receiver.waitForEvents(3)
                receiver.answer(receiver.events[0])
                try await receiver.waitForStored(1)
            }
            try await eventually("the end of the first stream") { !api.core.parts.inboxes.isReceived("p") }
            try await api.receiving(as: "p") { receiver in
                try await receiver.waitForEvents(2)
                #expect(Self.numbers(receiver.events) == [2, 3])
                #expect(receiver.events.map(\.attempt) == [1, 0])
                for event in receiver.events { receiver.answer(event) }
                try await receiver.waitForStored(2)
            }
            #expect(
                try await api.core.drained().rows(of: "p#0") == [
                    "1 out/x n=1", "2 out/x n=2", "3 out/x n=3",
                ])
        }
    }

    @Test("a message over which the program ends three times becomes a dead letter") func deadly()
        async throws
    {
        try await ComponentAPIFixture.with { api in
            try await api.run(Self.routes, [try program("p")])
            try await api.ingest([readings(1, 2) { ["n": Int64($0)] }])
            for attempt in 0..<InboxLimits.attempts {
                try await api.receiving(as: "p", oneAtATime: true) { receiver in
                    try await receiver.waitForEvents(1)
                    #expect(Self.numbers(receiver.events) == [1])
                    #expect(receiver.events.first?.attempt == UInt32(attempt))
                }
                try await eventually("the end of the stream") { !api.core.parts.inboxes.isReceived("p") }
            }
            try await api.receiving(as: "p", oneAtATime: true, credit: 1) { receiver in
                try await receiver.waitForEvents(1)
                #expect(Self.numbers(receiver.events) == [2])
                receiver.answer(try #require(receiver.events.first))
                try await receiver.waitForStored(2)
            }
            let contents = try await api.core.drained()
            #expect(contents.rows(of: "p#65535") == ["1 $dead-letter/p notProcessed n=1"])
            #expect(contents.rows(of: "p#0") == ["2 out/x n=2"])
        }
    }

    @Test("a failure becomes a dead letter with its reason, and nothing else stops") func failure()
        async throws
    {
        try await ComponentAPIFixture.with { api in
            try await api.run(Self.routes, [try program("p")])
            try await api.ingest([readings(1, 2) { ["n": Int64($0)] }])
            try await api.receiving(as: "p") { receiver in
                try await receiver.waitForEvents(2)
                receiver.answer(receiver.events[0], failure: "ValueError: no temperature")
                receiver.answer(receiver.events[1], ["$reserved"])
                try await receiver.waitForStored(2)
            }
            let contents = try await api.core.drained()
            #expect(contents.rows(of: "p#65535").count == 2)
            #expect(contents.rows(of: "p#0").isEmpty)
            let running = try #require(api.core.parts.revision.running)
            let status = try #require(api.core.parts.activity.statuses(of: running).first)
            #expect(status.messagesIn == 2 && status.messagesFailed == 2 && status.messagesOut == 0)
            let causes = status.failures.map(\.cause).sorted()
            #expect(causes.first == "ValueError: no temperature")
            #expect(causes.last?.contains("begins with $, which is reserved") == true)
        }
    }

    @Test("a handler gets one at a time, and is ended when it takes too long") func oneAtATime() async throws
    {
        let clock = StoppedClock()
        try await ComponentAPIFixture.with(clock: clock.clock) { api in
            try await api.run(Self.routes, [try program("p") { $0.handlerTimeout = .seconds(3) }])
            try await api.ingest([readings(1, 3) { ["n": Int64($0)] }])
            try await api.receiving(as: "p", oneAtATime: true) { receiver in
                try await receiver.waitForEvents(1)
                receiver.answer(receiver.events[0])
                try await receiver.waitForEvents(2)
                #expect(Self.numbers(receiver.events) == [1, 2])
                clock.advance(by: .seconds(3))
                try await eventually("the end of the stream") { receiver.isOver }
                #expect(receiver.error?.code == .deadlineExceeded)
                #expect(HedgerowError(try #require(receiver.error))?.reason == .handlerOverdue)
            }
            #expect(api.desk.state.withLock { $0.overdue } == ["p: it was not done within 3.0 seconds"])
            let contents = try await api.core.drained()
            #expect(contents.rows(of: "p#65535") == ["2 $dead-letter/p notProcessed n=2"])
            #expect(try await api.waiting("p") == 1)
        }
    }

    @Test("results wait for those ahead of them") func resultsInOrder() async throws {
        try await ComponentAPIFixture.with { api in
            try await api.run(Self.routes, [try program("p")])
            try await api.ingest([readings(1, 3) { ["n": Int64($0)] }])
            try await api.receiving(as: "p") { receiver in
                try await receiver.waitForEvents(3)
                receiver.answer(receiver.events[2])
                receiver.answer(receiver.events[1])
                receiver.answer(receiver.events[0])
                try await receiver.waitForStored(3)
                #expect(receiver.stored == receiver.events.map(\.deliveryID))
            }
            #expect(
                try await api.core.drained().rows(of: "p#0") == [
                    "1 out/x n=1", "2 out/x n=2", "3 out/x n=3",
                ])
        }
    }

    @Test("between transforms, with every way through counted for itself") func chain() async throws {
        try await ComponentAPIFixture.with { api in
            let before = try component("before", [.keep(["n"]), .publish(.literal("mid/x"))])
            let after = try component("after", [.keep(["n"]), .publish(.literal("end/x"))])
            try await api.run(
                [
                    ("thing:a", "t/#", "component:before", ""), ("component:before", "#", "component:p", ""),
                    ("component:p", "#", "component:after", ""), ("component:after", "#", "cloud", ""),
                ], [before, try program("p"), after])
            try await api.ingest([readings(1, 2) { ["n": Int64($0), "m": 7] }])
            try await api.receiving(as: "p") { receiver in
                try await receiver.waitForEvents(2)
                #expect(receiver.events.first?.record.origin.componentInstance == "before")
                #expect(receiver.events.first?.record.message.topic == "mid/x")
                receiver.answer(receiver.events[0])
                receiver.answer(receiver.events[1], ["one", "two"])
                try await receiver.waitForStored(2)
            }
            let contents = try await api.core.drained()
            #expect(contents.rows(of: "before#0/p#0/after#0") == ["1 end/x n=1", "2 end/x n=2"])
            #expect(contents.rows(of: "before#0/p#1/after#0") == ["2 end/x n=2"])
            #expect(contents.overlaps.isEmpty)
        }
    }

    @Test("what they leave out is told with what follows, never before") func coverage() async throws {
        try await ComponentAPIFixture.with { api in
            try await api.run(Self.routes, [try program("p")])
            try await api.receiving(as: "p", credit: 1_000) { receiver in
                try await api.ingest([readings(1, 1) { ["n": Int64($0)] }])
                try await receiver.waitForEvents(1)
                receiver.answer(receiver.events[0])
                try await receiver.waitForStored(1)
                // More than the core would otherwise give account of as dropped.
                try await api.ingest([
                    readings(2, 900) { ["n": Int64($0)] }, readings(901, 1_700) { ["n": Int64($0)] },
                ])
                let early = try await api.core.drained()
                #expect(early.rows(of: "p#0") == ["1 out/x n=1"])
                try await receiver.waitForEvents(1_000)
                for event in receiver.events.dropFirst().dropLast() { receiver.answer(event, []) }
                receiver.answer(try #require(receiver.events.last))
                try await receiver.waitForStored(1_000)
            }
            let contents = try await api.core.drained()
            #expect(contents.rows(of: "p#0") == ["1000 out/x n=1000"])
            #expect(contents.overlaps.isEmpty)
            let key = try #require(contents.covered.keys.first { $0.component == "p#0" })
            #expect(contents.covered[key]?.missing(from: range(2, 1_000)) == [])
        }
    }

    @Test("a full inbox makes dead letters of what comes, and loses nothing that waits") func full()
        async throws
    {
        try await ComponentAPIFixture.with { api in
            try await api.run(Self.routes, [try program("p")])
            for batch in 0..<UInt64(10) {
                try await api.ingest([
                    readings(batch * 1_000 + 1, batch * 1_000 + 1_000) { ["n": Int64($0)] }
                ])
            }
            try await api.ingest([readings(10_001, 10_002) { ["n": Int64($0)] }])
            #expect(try await api.waiting("p") == InboxLimits.messages)
            let contents = try await api.core.drained()
            #expect(
                contents.rows(of: "p#65535") == [
                    "10001 $dead-letter/p notProcessed n=10001", "10002 $dead-letter/p notProcessed n=10002",
                ])
        }
    }

    @Test("at QoS 0 from memory, the newest of too many") func transient() async throws {
        try await ComponentAPIFixture.with { api in
            try await api.run(Self.routes, [try program("p")])
            try await api.ingest([readings(1, 600, sequenced: false) { ["n": Int64($0)] }])
            try await api.ingest([readings(601, 1_200, sequenced: false) { ["n": Int64($0)] }])
            #expect(try await api.waiting("p") == 0)
            try await api.receiving(as: "p", credit: 2) { receiver in
                try await receiver.waitForEvents(2)
                #expect(Self.numbers(receiver.events) == [201, 202])
                #expect(receiver.dropped == 200)
                receiver.answer(receiver.events[0])
                receiver.answer(receiver.events[1])
                try await receiver.waitForStored(2)
            }
            // They go on at QoS 0: into no stream.
            #expect(try await api.core.drained().rows.isEmpty)
        }
    }

    @Test("a newer stream of the same instance takes over") func superseded() async throws {
        try await ComponentAPIFixture.with { api in
            try await api.run(Self.routes, [try program("p")])
            try await api.receiving(as: "p") { first in
                try await eventually("the first stream") { api.core.parts.inboxes.isReceived("p") }
                try await api.receiving(as: "p") { second in
                    try await eventually("the end of the first") { first.isOver }
                    #expect(first.error?.code == .aborted)
                    try await api.ingest([readings(1, 1) { ["n": Int64($0)] }])
                    try await second.waitForEvents(1)
                    #expect(first.events.isEmpty)
                }
            }
        }
    }

    @Test("what was answered before this side was closed is stored") func closing() async throws {
        try await ComponentAPIFixture.with { api in
            try await api.run(Self.routes, [try program("p")])
            try await api.ingest([readings(1, 2) { ["n": Int64($0)] }])
            try await api.receiving(as: "p", oneAtATime: true) { receiver in
                try await receiver.waitForEvents(1)
                receiver.answer(receiver.events[0])
                receiver.finish()
                try await eventually("the end of the stream") { receiver.isOver }
                #expect(receiver.error == nil)
            }
            #expect(try await api.waiting("p") == 1)
            #expect(try await api.core.drained().rows(of: "p#0") == ["1 out/x n=1"])
        }
    }

    @Test("the last answer and the close of this side may come together") func closingAtOnce() async throws {
        try await ComponentAPIFixture.with { api in
            try await api.run(Self.routes, [try program("p")])
            for number in UInt64(1)...20 {
                try await api.ingest([readings(number, number) { ["n": Int64($0)] }])
                try await api.receiving(as: "p", oneAtATime: true, credit: 1) { receiver in
                    try await receiver.waitForEvents(1)
                    receiver.answer(receiver.events[0])
                    receiver.finish()
                    try await eventually("the end of the stream") { receiver.isOver }
                    #expect(receiver.error == nil && receiver.stored == receiver.events.map(\.deliveryID))
                }
            }
            #expect(try await api.waiting("p") == 0)
            let contents = try await api.core.drained()
            #expect(contents.rows(of: "p#0") == (1...20).map { "\($0) out/x n=\($0)" })
        }
    }

    @Test("dead letters are each for themselves, in whatever order they come") func deadLettersInAnyOrder()
        async throws
    {
        try await ComponentAPIFixture.with { api in
            try await api.run(Self.routes, [try program("p")])
            for batch in 0..<UInt64(10) {
                try await api.ingest([
                    readings(batch * 1_000 + 1, batch * 1_000 + 1_000) { ["n": Int64($0)] }
                ])
            }
            // The inbox is full, and its program fails on what came long before.
            try await api.ingest([readings(10_001, 10_001) { ["n": Int64($0)] }])
            try await api.receiving(as: "p", credit: 2) { receiver in
                try await receiver.waitForEvents(2)
                for event in receiver.events { receiver.answer(event, failure: "no model") }
                try await receiver.waitForStored(2)
            }
            let contents = try await api.core.drained()
            #expect(
                contents.rows(of: "p#65535").sorted() == [
                    "1 $dead-letter/p notProcessed n=1", "10001 $dead-letter/p notProcessed n=10001",
                    "2 $dead-letter/p notProcessed n=2",
                ])
            #expect(contents.overlaps.isEmpty)
        }
    }

    @Test("a revision without the instance takes no more of its results, which wait for one that has it")
    func removedInstance() async throws {
        try await ComponentAPIFixture.with { api in
            let component = try program("p")
            try await api.run(Self.routes, [component])
            try await api.ingest([readings(1, 1) { ["n": Int64($0)] }])
            try await api.receiving(as: "p") { receiver in
                try await receiver.waitForEvents(1)
                try await api.run([("thing:a", "#", "cloud", "")], [], number: 2)
                receiver.answer(receiver.events[0])
                try await eventually("the end of the stream") { receiver.isOver }
                #expect(receiver.error?.code == .failedPrecondition)
            }
            #expect(try await api.waiting("p") == 1)
            try await api.run(Self.routes, [component], number: 3)
            try await api.receiving(as: "p") { receiver in
                try await receiver.waitForEvents(1)
                receiver.answer(receiver.events[0])
                try await receiver.waitForStored(1)
            }
            #expect(try await api.core.drained().rows(of: "p#0") == ["1 out/x n=1"])
        }
    }

    @Test("results wait while a stream that takes nothing new is full") func fullStream() async throws {
        try await ComponentAPIFixture.with { api in
            try await api.run(
                [("thing:a", "t/#", "component:p", ""), ("component:p", "#", "stream:kept", "")],
                [try program("p")], streams: [("kept", 65_536, false)])
            try await api.ingest([readings(1, 2) { ["n": Int64($0)] }])
            try await api.receiving(as: "p") { receiver in
                try await receiver.waitForEvents(2)
                for event in receiver.events {
                    receiver.say(
                        .with { request in
                            request.results = [
                                .with {
                                    $0.deliveryID = event.deliveryID
                                    $0.messages = [
                                        .with {
                                            $0.topic = "out/x"
                                            $0.payload.data = Data(count: 40_000)
                                        }
                                    ]
                                }
                            ]
                        })
                }
                try await receiver.waitForStored(1)
                #expect(try await api.waiting("p") == 1)
                var contents = StreamContents()
                try await api.core.drain("kept", into: &contents)
                try await receiver.waitForStored(2)
                try await api.core.drain("kept", into: &contents)
                #expect(contents.rows.map(\.sequence) == [1, 2])
                #expect(try await api.waiting("p") == 0)
            }
        }
    }

    @Test("too much that waits for an earlier answer ends the stream") func withheld() async throws {
        try await ComponentAPIFixture.with { api in
            try await api.run(Self.routes, [try program("p")])
            try await api.ingest([readings(1, 30) { ["n": Int64($0)] }])
            try await api.receiving(as: "p") { receiver in
                try await receiver.waitForEvents(30)
                for event in receiver.events.dropFirst() {
                    receiver.say(
                        .with { request in
                            request.results = [
                                .with {
                                    $0.deliveryID = event.deliveryID
                                    $0.messages = [
                                        .with {
                                            $0.topic = "out/x"
                                            $0.payload.data = Data(count: 1_000_000)
                                        }
                                    ]
                                }
                            ]
                        })
                }
                try await eventually("the end of the stream") { receiver.isOver }
                #expect(receiver.error?.code == .resourceExhausted)
            }
            #expect(try await api.waiting("p") == 30)
        }
    }

    @Test("wrong requests end the stream with what is wrong") func wrongRequests() async throws {
        try await ComponentAPIFixture.with { api in
            try await api.run(Self.routes, [try program("p")])
            try await api.receiving(as: "p") { receiver in
                receiver.say(.with { $0.start.oneAtATime = true })
                try await eventually("the end of the stream") { receiver.isOver }
                #expect(receiver.error?.code == .invalidArgument)
                #expect(receiver.error?.message.contains("start: only the first request") == true)
            }
            try await api.receiving(as: "p", credit: 1_001) { receiver in
                try await eventually("the end of the stream") { receiver.isOver }
                #expect(receiver.error?.message.contains("add_credit") == true)
            }
        }
    }
}
