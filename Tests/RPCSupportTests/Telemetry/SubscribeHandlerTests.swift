import Foundation
import GRPCCore
import GRPCInProcessTransport
import HedgerowAPI
import Messaging
import RPCSupport
import SwiftProtobuf
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(5))) struct SubscribeHandlerTests {
    typealias Request = Hedgerow_Telemetry_V1_SubscribeRequest
    typealias Response = Hedgerow_Telemetry_V1_SubscribeResponse

    /// A subscriber: sends what it is given, and keeps what it hears.
    final class Subscriber: Sendable {
        let received = Mutex<[Response]>([])
        let requests: AsyncStream<Request>
        private let input: AsyncStream<Request>.Continuation

        init() { (requests, input) = AsyncStream.makeStream(of: Request.self) }

        func send(_ fill: (inout Request) -> Void) { input.yield(.with(fill)) }
        func halfClose() { input.finish() }

        var count: Int { received.withLock { $0.reduce(0) { $0 + $1.deliveries.count } } }
        var dropped: UInt64 { received.withLock { $0.reduce(0) { $0 + $1.dropped } } }

        func run(_ client: Telemetry.Client<InProcessTransport.Client>) async throws {
            try await client.subscribe(options: soon) { writer in
                for await request in self.requests { try await writer.write(request) }
            } onResponse: { response in
                for try await message in response.messages { self.received.withLock { $0.append(message) } }
            }
        }
    }

    private func withSubscriber(
        _ body: @escaping @Sendable (Subscriber, FakeSource) async throws -> Void
    ) async throws {
        try await withHandlers { client, _, source in
            let subscriber = Subscriber()
            let call = Task { try await subscriber.run(client) }
            do {
                try await body(subscriber, source)
            } catch {
                call.cancel()
                throw error
            }
            subscriber.send { $0.addCredit = 1 }
            subscriber.halfClose()
            source.finish()
            let result = await call.result
            #expect(throws: RPCError.self) { try result.get() }
            try await until { source.state.withLock { $0.isClosed } }
        }
    }

    @Test func noMoreComesThanTheCreditAllows() async throws {
        try await withSubscriber { subscriber, source in
            source.put(10)
            subscriber.send {
                $0.start.topicFilters = ["#"]
                $0.addCredit = 3
            }
            try await until { subscriber.count == 3 }
            try await Task.sleep(for: .milliseconds(50))
            #expect(subscriber.count == 3)
            subscriber.send { $0.addCredit = 100 }
            try await until { subscriber.count == 10 }
            source.put(1, dropped: 4)
            try await until { subscriber.count == 11 && subscriber.dropped == 4 }
            subscriber.send {
                $0.acknowledgedDeliveryIds = [1, 2]
                $0.connectedThings.things = ["x"]
            }
            try await until { source.state.withLock { $0.acknowledged } == [1, 2] }
            #expect(source.state.withLock { $0.things } == ["x"])
        }
    }

    @Test func aSubscriberThatSaysNothingMoreGoesOnReceiving() async throws {
        try await withSubscriber { subscriber, source in
            subscriber.send {
                $0.start.topicFilters = ["#"]
                $0.addCredit = 10
            }
            subscriber.halfClose()
            source.put(2)
            try await until { subscriber.count == 2 }
            source.put(3)
            try await until { subscriber.count == 5 }
        }
    }

    @Test func largeMessagesAreSplitIntoResponsesBelowTheLimit() async throws {
        try await withSubscriber { subscriber, source in
            source.put(12, bytes: 300_000)
            subscriber.send {
                $0.start.topicFilters = ["#"]
                $0.addCredit = 100
            }
            try await until { subscriber.count == 12 }
            for response in subscriber.received.withLock({ $0 }) { #expect(response.deliveries.count <= 3) }
        }
    }

    @Test func requestsThatBreakTheRulesAreInvalid() async throws {
        let wrong: [[Request]] = [
            [.init()],
            [.with { $0.start.topicFilters = ["a/#/b"] }],
            [.with { $0.start.topicFilters = Array(repeating: "a", count: 101) }],
            [.with { $0.start.topicFilters = ["#"] }, .with { $0.start.topicFilters = ["#"] }],
            [
                .with {
                    $0.start.topicFilters = ["#"]
                    $0.addCredit = 10_001
                }
            ],
        ]
        try await withHandlers { client, _, source in
            for requests in wrong {
                let subscriber = Subscriber()
                for request in requests { subscriber.send { $0 = request } }
                subscriber.halfClose()
                let error = await failure { try await subscriber.run(client) }
                #expect(error?.code == .invalidArgument)
                #expect(reason(error) == .invalidField)
            }
        }
    }

    @Test func liveListenersLoseTheirOwnOldestAndNobodyElses() async throws {
        let hub = LiveHub()
        let slow = hub.add(filters: [try TopicFilter("t/#")])
        let other = hub.add(filters: [try TopicFilter("u")])
        let picky = hub.add(filters: [try TopicFilter("#")]) { $0 == "b" }
        for number in 0..<LiveHub.maximumQueued + 5 {
            hub.publish(topic: try Topic("t/a"), publisher: "a") {
                [.with { $0.origin.firstSequence = UInt64(number) }]
            }
        }
        hub.publish(topic: try Topic("t"), publisher: "b") { [.init()] }
        let (records, dropped) = slow.take(limit: 1)
        #expect(dropped == 6)
        #expect(records.first?.origin.firstSequence == 6)
        #expect(slow.take(limit: .max).records.count == LiveHub.maximumQueued - 1)
        #expect(other.take(limit: .max).records.isEmpty)
        #expect(picky.take(limit: .max).records.count == 1)
        hub.remove(slow)
        hub.publish(topic: try Topic("t"), publisher: "a") { [.init()] }
        #expect(slow.take(limit: .max).records.isEmpty)
        #expect(hub.count == 2)
    }
}
