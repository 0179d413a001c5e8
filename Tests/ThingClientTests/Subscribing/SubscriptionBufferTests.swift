import Foundation
import HedgerowAPI
import Testing

@testable import ThingClient

@Suite("What a subscription holds, acknowledges and recognises")
struct SubscriptionBufferTests {
    private func delivery(
        _ id: UInt64, sequence: UInt64 = 0, text: String = "x"
    ) -> Hedgerow_Telemetry_V1_Delivery {
        var delivery = Hedgerow_Telemetry_V1_Delivery()
        delivery.deliveryID = id
        delivery.record.message.topic = "commands/a"
        delivery.record.message.payload.data = Data(text.utf8)
        delivery.record.origin.thing = "operator"
        delivery.record.origin.epoch = Data(repeating: 7, count: 16)
        delivery.record.origin.firstSequence = sequence
        delivery.record.origin.lastSequence = sequence
        return delivery
    }

    private func session(_ buffer: inout SubscriptionBuffer) {
        buffer.beginSession()
        _ = buffer.answer()
    }

    private func taken(_ buffer: inout SubscriptionBuffer) throws -> SubscriptionBuffer.Item {
        let item = buffer.take()
        return try #require(item)
    }

    private func handle(_ buffer: inout SubscriptionBuffer) throws {
        let item = try taken(&buffer)
        buffer.finish(item)
    }

    private func isEmpty(_ buffer: inout SubscriptionBuffer) -> Bool { buffer.take() == nil }

    @Test func theServerNeverHasMoreCreditThanThereIsRoom() throws {
        var buffer = SubscriptionBuffer(capacity: 4)
        buffer.beginSession()
        #expect(buffer.answer().credit == 4)
        #expect(buffer.answer().credit == 0)
        for number in 1...4 as ClosedRange<UInt64> { try buffer.receive(delivery(number, sequence: number)) }
        #expect(buffer.answer().credit == 0)
        #expect(throws: SubscriptionBuffer.OverCredit.self) { try buffer.receive(delivery(5, sequence: 5)) }
        _ = buffer.take()
        #expect(buffer.answer().credit == 0, "credit goes in halves")
        _ = buffer.take()
        #expect(buffer.answer().credit == 2)
    }

    @Test func aMessageIsAcknowledgedWhenItsHandlerIsDone() throws {
        var buffer = SubscriptionBuffer(capacity: 4)
        session(&buffer)
        try buffer.receive(delivery(11, sequence: 1))
        let item = try taken(&buffer)
        #expect(buffer.answer().acknowledged == [])
        buffer.finish(item)
        #expect(buffer.answer().acknowledged == [11])
    }

    @Test func aRepeatOfAHandledMessageIsAcknowledgedAndNotHandedOutAgain() throws {
        var buffer = SubscriptionBuffer(capacity: 4)
        session(&buffer)
        try buffer.receive(delivery(11, sequence: 1))
        try handle(&buffer)
        buffer.endSession()
        session(&buffer)
        try buffer.receive(delivery(3, sequence: 1))
        #expect(isEmpty(&buffer))
        #expect(buffer.answer().acknowledged == [3])
    }

    @Test func aRepeatOfAMessageInHandIsAcknowledgedUnderItsNewNumber() throws {
        var buffer = SubscriptionBuffer(capacity: 4)
        session(&buffer)
        try buffer.receive(delivery(11, sequence: 1))
        let item = try taken(&buffer)
        buffer.endSession()
        session(&buffer)
        try buffer.receive(delivery(3, sequence: 1))
        #expect(isEmpty(&buffer))
        buffer.finish(item)
        #expect(buffer.answer().acknowledged == [3])
    }

    @Test func numbersOfAnEarlierSessionAreNotSentToTheNextServer() throws {
        var buffer = SubscriptionBuffer(capacity: 4)
        session(&buffer)
        try buffer.receive(delivery(11, sequence: 1))
        let item = try taken(&buffer)
        buffer.endSession()
        session(&buffer)
        buffer.finish(item)
        #expect(buffer.answer().acknowledged == [])
    }

    @Test func theMemoryOfRepeatsIsBounded() throws {
        var buffer = SubscriptionBuffer(capacity: 1, remembered: 3)
        buffer.beginSession()
        for number in 1...5 as ClosedRange<UInt64> {
            _ = buffer.answer()
            try buffer.receive(delivery(number, sequence: number))
            try handle(&buffer)
        }
        _ = buffer.answer()
        try buffer.receive(delivery(6, sequence: 1))
        #expect(!isEmpty(&buffer), "the first is forgotten")
        _ = buffer.answer()
        try buffer.receive(delivery(7, sequence: 5))
        #expect(isEmpty(&buffer), "the last is not")
    }

    @Test func messagesWithoutIdentityAreNeverTakenForRepeats() throws {
        var buffer = SubscriptionBuffer(capacity: 4)
        session(&buffer)
        try buffer.receive(delivery(0))
        try buffer.receive(delivery(0))
        #expect(buffer.pendingCount == 2)
        try handle(&buffer)
        #expect(buffer.answer().acknowledged == [])
    }

    @Test func whatCannotBeReadIsAcknowledgedSoThatItDoesNotComeForEver() throws {
        var buffer = SubscriptionBuffer(capacity: 4)
        session(&buffer)
        var empty = delivery(9, sequence: 4)
        empty.record.message.content = nil
        try buffer.receive(empty)
        #expect(isEmpty(&buffer))
        #expect(buffer.answer().acknowledged == [9])
    }
}
