import Testing

@testable import ThingClient

@Suite("What a publisher keeps, sends and settles")
struct PublisherBufferTests {
    private func buffer(messages: Int = 10, bytes: Int = 1 << 20) -> PublisherBuffer {
        PublisherBuffer(
            limits: PublisherLimits(bufferedMessages: messages, bufferedBytes: bytes, volatileMessages: 3))
    }

    private func fill(_ buffer: inout PublisherBuffer, _ count: Int) throws {
        for index in 0..<count {
            _ = buffer.append(try message(Double(index)), policy: .dropOldest)
        }
    }

    @Test func sequencesBeginAtOneAndFollowEachOther() throws {
        var buffer = buffer()
        #expect(buffer.append(try message(1), policy: .wait) == .kept(sequence: 1, dropped: nil))
        #expect(buffer.append(try message(2), policy: .wait) == .kept(sequence: 2, dropped: nil))
        #expect(buffer.newest == 2)
    }

    @Test func nothingIsSentBeforeTheServerSaidWhereItIs() throws {
        var buffer = buffer()
        try fill(&buffer, 2)
        #expect(!buffer.hasWork)
        #expect(buffer.next().isEmpty)
        #expect(try buffer.resume(after: 0).isEmpty)
        let outgoing = buffer.next()
        #expect(outgoing.firstSequence == 1)
        #expect(outgoing.messages.count == 2)
        #expect(outgoing.firstTime == 2)
        #expect(!buffer.hasWork)
    }

    @Test func aFullBufferRefusesWhenAskedToWait() throws {
        var buffer = buffer(messages: 2)
        try fill(&buffer, 2)
        #expect(buffer.append(try message(3), policy: .wait) == .full)
        _ = try buffer.resume(after: 0)
        _ = buffer.next()
        _ = try buffer.acknowledge(through: 1)
        #expect(buffer.append(try message(3), policy: .wait) == .kept(sequence: 3, dropped: nil))
    }

    @Test func bytesBoundTheBufferToo() throws {
        let cost = try message(0, note: String(repeating: "x", count: 60_000)).cost
        var buffer = PublisherBuffer(
            limits: PublisherLimits(bufferedMessages: 1_000, bufferedBytes: 3 * cost, batchBytes: cost))
        for index in 0..<20 {
            _ = buffer.append(
                try message(Double(index), note: String(repeating: "x", count: 60_000)), policy: .dropOldest)
            #expect(buffer.heldBytes <= 3 * cost)
        }
        #expect(buffer.heldCount == 3)
        #expect(buffer.newest == 20)
    }

    @Test func theOldestGivesWayAndIsDeclaredLostBeforeTheRest() throws {
        var buffer = buffer(messages: 2)
        try fill(&buffer, 2)
        #expect(buffer.append(try message(3), policy: .dropOldest) == .kept(sequence: 3, dropped: 1...1))
        #expect(buffer.oldestSequence == 1)
        _ = try buffer.resume(after: 0)
        let outgoing = buffer.next()
        #expect(outgoing.lost == 1...1)
        #expect(outgoing.firstSequence == 2)
        #expect(outgoing.messages.count == 2)
        let settlement = try buffer.acknowledge(through: 3)
        #expect(settlement == .init(accepted: [2...3], rejected: [], lost: [1...1]))
        #expect(buffer.unsettledCount == 0)
    }

    @Test func whatWasSentAndThenDroppedIsNotDeclaredLostInTheSameSession() throws {
        var buffer = buffer(messages: 2)
        _ = try buffer.resume(after: 0)
        try fill(&buffer, 2)
        _ = buffer.next()
        try fill(&buffer, 1)
        let outgoing = buffer.next()
        #expect(outgoing.lost == nil)
        #expect(outgoing.firstSequence == 3)
        #expect(try buffer.acknowledge(through: 3).accepted == [1...3])
    }

    @Test func whatWasSentAndDroppedIsDeclaredLostToTheNextServer() throws {
        var buffer = buffer(messages: 2)
        _ = try buffer.resume(after: 0)
        try fill(&buffer, 2)
        _ = buffer.next()
        try fill(&buffer, 1)
        _ = buffer.endSession()
        _ = try buffer.resume(after: 0)
        let outgoing = buffer.next()
        #expect(outgoing.lost == 1...1)
        #expect(outgoing.firstSequence == 2)
        #expect(outgoing.firstTime == 1)
    }

    @Test func resumingSettlesWhatTheServerHas() throws {
        var buffer = buffer()
        try fill(&buffer, 5)
        _ = try buffer.resume(after: 0)
        _ = buffer.next()
        _ = buffer.endSession()
        #expect(try buffer.resume(after: 3).accepted == [1...3])
        let outgoing = buffer.next()
        #expect(outgoing.firstSequence == 4)
        #expect(outgoing.messages.count == 2)
        #expect(outgoing.firstTime == 0)
    }

    @Test func aServerThatIsBehindGetsNothingThatWasAcknowledged() throws {
        var buffer = buffer()
        try fill(&buffer, 5)
        _ = try buffer.resume(after: 0)
        _ = buffer.next()
        _ = try buffer.acknowledge(through: 4)
        _ = buffer.endSession()
        #expect(buffer.oldestSequence == 5)
        #expect(try buffer.resume(after: 2).isEmpty)
        #expect(buffer.next().firstSequence == 5)
    }

    @Test func acknowledgementsNeverGoBack() throws {
        var buffer = buffer()
        try fill(&buffer, 3)
        _ = try buffer.resume(after: 0)
        _ = buffer.next()
        #expect(try buffer.acknowledge(through: 3).accepted == [1...3])
        #expect(try buffer.acknowledge(through: 2).isEmpty)
        #expect(buffer.acknowledged == 3)
    }

    @Test func acknowledgingWhatWasNeverSentIsAViolation() throws {
        var buffer = buffer()
        try fill(&buffer, 3)
        #expect(throws: PublisherBuffer.ProtocolViolation.self) { try buffer.resume(after: 1) }
        _ = try buffer.resume(after: 0)
        #expect(throws: PublisherBuffer.ProtocolViolation.self) { try buffer.acknowledge(through: 1) }
        _ = buffer.next()
        #expect(throws: PublisherBuffer.ProtocolViolation.self) { try buffer.acknowledge(through: 4) }
        #expect(try buffer.acknowledge(through: 3).accepted == [1...3])
    }

    @Test func refusedMessagesAreNotAccepted() throws {
        var buffer = buffer()
        try fill(&buffer, 6)
        _ = try buffer.resume(after: 0)
        _ = buffer.next()
        #expect(buffer.refuse(2...3) == 2)
        #expect(buffer.refuse(5...99) == 2)
        let settlement = try buffer.acknowledge(through: 6)
        #expect(settlement.rejected == [2...3, 5...6])
        #expect(settlement.accepted == [1...1, 4...4])
        #expect(buffer.refuse(2...3) == 0)
    }

    @Test func messagesWithoutASequenceNeedAConnectionAndHaveABound() throws {
        var buffer = buffer()
        #expect(buffer.appendVolatile(try message(0)) == 1)
        _ = try buffer.resume(after: 0)
        for index in 0..<3 { #expect(buffer.appendVolatile(try message(Double(index))) == 0) }
        #expect(buffer.appendVolatile(try message(3)) == 1)
        #expect(buffer.volatileCount == 3)
        #expect(buffer.next().volatile.count == 3)
        #expect(buffer.appendVolatile(try message(4)) == 0)
        #expect(buffer.endSession() == 1)
    }

    @Test func oneRequestIsBounded() throws {
        let limits = PublisherLimits(bufferedMessages: 10_000, batchMessages: 100)
        var buffer = PublisherBuffer(limits: limits)
        try fill(&buffer, 1_000)
        _ = try buffer.resume(after: 0)
        var sizes: [Int] = []
        while buffer.hasWork { sizes.append(buffer.next().messages.count) }
        #expect(sizes == [400, 400, 200])
    }
}
