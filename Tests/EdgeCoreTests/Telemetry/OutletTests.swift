import Foundation
import GRDB
import HedgerowAPI
import Messaging
import RPCSupport
import StreamStore
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import EdgeCore

@Suite(.timeLimit(.minutes(5))) struct OutletTests {
    private func outlet(_ thing: String = "b", _ filter: String = "#", qos1: Bool = true) throws
        -> ThingOutlet
    {
        ThingOutlet(thing: thing, filters: [try TopicFilter(filter)], isAtLeastOnce: qos1)
    }

    private func record(_ sequence: UInt64, topic: String = "t") -> MessageRecord {
        .with {
            $0.message.topic = topic
            $0.origin.thing = "operator/anna"
            $0.origin.firstSequence = sequence
            $0.origin.lastSequence = sequence
        }
    }

    private func delivery(_ id: UInt64, to thing: String = "b", topic: String = "t")
        -> Hedgerow_Telemetry_V1_Delivery
    {
        .with {
            $0.deliveryID = id
            $0.targetThing = thing
            $0.record = record(id, topic: topic)
        }
    }

    @Test func liveMessagesAreBoundedAndTheOldestFallsOut() throws {
        let outlet = try outlet(qos1: false)
        outlet.offerLive((1...UInt64(ThingOutlet.maximumLive) + 5).map { record($0) })
        outlet.offerLive([record(9_999, topic: "$other")])
        let batch = outlet.takeWaiting(limit: 2)
        #expect(batch.dropped == 5)
        #expect(batch.deliveries.map(\.record.origin.firstSequence) == [6, 7])
        #expect(batch.deliveries.allSatisfy { $0.deliveryID == 0 })
        #expect(outlet.takeWaiting(limit: .max).dropped == 0)
    }

    @Test func aMessageOfTheCloudsIsAcknowledgedWhenTheThingHasIt() throws {
        let outlets = ThingOutlets()
        #expect(!outlets.relay(delivery(1)) {})
        let outlet = try outlet()
        #expect(outlets.add(outlet))
        let done = Mutex<[UInt64]>([])
        for id in UInt64(1)...3 { #expect(outlets.relay(delivery(id)) { done.withLock { $0.append(id) } }) }
        let batch = outlet.takeWaiting(limit: 2)
        #expect(batch.deliveries.map(\.record.origin.firstSequence) == [1, 2])
        #expect(done.withLock { $0 }.isEmpty)
        #expect(outlet.finish([batch.deliveries[1].deliveryID, 77]).isEmpty)
        #expect(done.withLock { $0 } == [2])
        // What its filters do not want is done with at once.
        let picky = try self.outlet("c", "only/this")
        #expect(outlets.add(picky))
        #expect(outlets.relay(delivery(9, to: "c")) { done.withLock { $0.append(9) } })
        #expect(done.withLock { $0 } == [2, 9])
    }

    @Test func aMessageThatComesAgainOverANewConnectionIsNotDoubled() throws {
        let outlet = try outlet()
        let done = Mutex<[String]>([])
        #expect(outlet.offerRelayed(delivery(1)) { done.withLock { $0.append("old 1") } })
        #expect(outlet.offerRelayed(delivery(2)) { done.withLock { $0.append("old 2") } })
        let sent = outlet.takeWaiting(limit: 1).deliveries
        // The connection to the cloud is another one: both come again.
        #expect(outlet.offerRelayed(delivery(1)) { done.withLock { $0.append("new 1") } })
        #expect(outlet.offerRelayed(delivery(2)) { done.withLock { $0.append("new 2") } })
        let rest = outlet.takeWaiting(limit: 10).deliveries
        #expect(rest.map(\.record.origin.firstSequence) == [2])
        _ = outlet.finish(sent.map(\.deliveryID) + rest.map(\.deliveryID))
        #expect(done.withLock { $0 } == ["new 1", "new 2"])
        // The same id with another message is another message: the cloud was restored from an older copy.
        var other = delivery(1)
        other.record.origin.firstSequence = 500
        #expect(outlet.offerRelayed(delivery(1)) {})
        #expect(outlet.offerRelayed(other) {})
        #expect(outlet.takeWaiting(limit: 10).deliveries.count == 2)
    }

    @Test func whatWaitsForAThingThatTakesNothingIsBounded() throws {
        let outlet = try outlet()
        var taken = 0
        for id in UInt64(1)...1_000 where outlet.offerRelayed(delivery(id), done: {}) { taken += 1 }
        #expect(taken == ThingOutlet.maximumRelayed)
        #expect(outlet.queuePosition.room == ThingOutlet.maximumInFlight)
        _ = outlet.takeWaiting(limit: 500)
        let isTaken = outlet.offerRelayed(delivery(5_000)) {}
        #expect(!isTaken)
        // It does not take room from the core's own queue.
        #expect(outlet.queuePosition.room == ThingOutlet.maximumInFlight)
    }

    @Test func aNewerSubscriptionTakesOverAndGetsWhatWasUnderWayAnew() throws {
        let outlets = ThingOutlets()
        let older = try outlet()
        let newer = try outlet()
        let plain = try outlet(qos1: false)
        #expect(outlets.add(older))
        #expect(outlets.add(plain))
        #expect(outlets.takeInterrupted().isEmpty)
        #expect(outlets.add(newer))
        #expect(older.isSuperseded)
        #expect(!newer.isSuperseded && !plain.isSuperseded)
        #expect(outlets.takeInterrupted() == ["b"])
        outlets.remove(older)
        #expect(outlets.connectedThings == ["b"])
        outlets.remove(newer)
        outlets.remove(plain)
        #expect(outlets.connectedThings.isEmpty)
    }

    @Test func aThingHasABoundedNumberOfSubscriptions() throws {
        let outlets = ThingOutlets()
        for _ in 0..<ThingOutlets.maximumPerThing { #expect(outlets.add(try outlet(qos1: false))) }
        #expect(!outlets.add(try outlet(qos1: false)))
        #expect(outlets.add(try outlet("c", qos1: false)))
    }

    @Test func theQueueIsSentInOrderBoundedByAcknowledgements() async throws {
        try await TelemetryFixture.with { core in
            try await core.pool.write { db in
                for number in UInt64(1)...100 {
                    let topic = number % 10 == 0 ? "other" : "t"
                    try SubscriberQueue.enqueue(
                        db, subscriber: "b", payload: try self.record(number, topic: topic).serializedBytes(),
                        now: core.parts.clock.now)
                }
            }
            let outlet = try self.outlet("b", "t")
            #expect(core.parts.outlets.add(outlet))
            let source = ThingDeliverySource(outlet: outlet, parts: core.parts)
            var got: [UInt64] = []
            var unacknowledged: [UInt64] = []
            while got.count < 90 {
                let batch = try await source.take(limit: 30)
                got += batch.deliveries.map(\.record.origin.firstSequence)
                unacknowledged += batch.deliveries.map(\.deliveryID)
                #expect(unacknowledged.count <= ThingOutlet.maximumInFlight)
                if batch.deliveries.isEmpty {
                    #expect(!unacknowledged.isEmpty)
                    try await source.acknowledge(unacknowledged)
                    unacknowledged = []
                }
            }
            try await source.acknowledge(unacknowledged)
            #expect(got == (1...100).filter { $0 % 10 != 0 })
            // What its filters do not want is gone as well.
            #expect(try await core.pool.read { try SubscriberQueue.depth($0, subscriber: "b") } == 0)
            let newer = try self.outlet("b", "t")
            #expect(core.parts.outlets.add(newer))
            await #expect(throws: HedgerowError.self) { _ = try await source.take(limit: 1) }
            await source.close()
        }
    }

    @Test func qoS0MessagesWaitOnlyForAConnectedUplinkAndWithinBounds() {
        let signals = UplinkSignals()
        func publication(_ number: UInt64) -> Publication { .with { $0.origin.firstSequence = number } }
        signals.send(publication(0), bytes: 1, stream: "s")
        #expect(signals.takeTransient("s", maximumBytes: .max).isEmpty)
        #expect(signals.dropped == 1)
        signals.setConnected("s", true)
        for number in 1...UInt64(UplinkSignals.maximumTransient) + 2 {
            signals.send(publication(number), bytes: 10, stream: "s")
        }
        #expect(signals.dropped == 3)
        // A request holds no more than its bytes, but always one.
        #expect(signals.takeTransient("s", maximumBytes: 25).map(\.origin.firstSequence) == [3, 4])
        #expect(signals.takeTransient("s", maximumBytes: 1).map(\.origin.firstSequence) == [5])
        #expect(signals.takeTransient("s", maximumBytes: .max).count == UplinkSignals.maximumTransient - 3)
        for number in UInt64(1)...10 { signals.send(publication(number), bytes: 1 << 20, stream: "s") }
        #expect(signals.takeTransient("s", maximumBytes: .max).map(\.origin.firstSequence) == [7, 8, 9, 10])
        #expect(signals.dropped == 9)
        signals.send(publication(1), bytes: 100 << 20, stream: "s")
        signals.setConnected("s", false)
        #expect(signals.dropped == 10)
    }
}
