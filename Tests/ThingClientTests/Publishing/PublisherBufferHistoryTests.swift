import TestSupport
import Testing

@testable import ThingClient

/// Random histories: two servers, cuts at every moment, lost answers, a small buffer. Each failure names the
/// seed that repeats it.
@Suite("A publisher over random histories")
struct PublisherBufferHistoryTests {
    /// A server that keeps what it took, and answers from what it has committed.
    private struct Server {
        var cursor: UInt64?
        var stored: Set<UInt64> = []
        var declaredLost: Set<UInt64> = []
        var rejected: Set<UInt64> = []
        var expected: UInt64 = 1
    }

    private struct History {
        var generator: SeededGenerator
        var buffer: PublisherBuffer
        let limit: Int
        var servers = [Server(), Server()]
        var connected: Int?
        var published: UInt64 = 0
        var dropped: Set<UInt64> = []
        /// Written as lost in some session, whether or not that arrived.
        var declared: Set<UInt64> = []
        var settled: [UInt64: String] = [:]

        init(seed: UInt64) {
            generator = SeededGenerator(seed: seed)
            limit = Int.random(in: 1...30, using: &generator)
            buffer = PublisherBuffer(
                limits: PublisherLimits(
                    bufferedMessages: limit, batchMessages: Int.random(in: 1...5, using: &generator)))
        }

        mutating func append(policy: OverflowPolicy) throws {
            switch buffer.append(try message(Double(published + 1)), policy: policy) {
            case .full: #expect(policy == .wait && buffer.heldCount == limit)
            case .kept(let sequence, let gone):
                published += 1
                #expect(sequence == published)
                if let gone { dropped.formUnion(gone) }
            }
            #expect(buffer.heldCount <= limit)
        }

        mutating func connect(to index: Int) throws {
            disconnect()
            connected = index
            let oldest = buffer.oldestSequence
            let cursor = servers[index].cursor ?? 0
            try note(buffer.resume(after: cursor))
            // What lies between the cursor and the oldest was acknowledged elsewhere.
            servers[index].expected = max(cursor + 1, oldest)
        }

        mutating func disconnect() {
            connected = nil
            _ = buffer.endSession()
        }

        /// The client writes one request; the server may never see it.
        mutating func exchange(delivers: Bool, answers: Bool) throws {
            guard let index = connected, buffer.hasWork else { return }
            let outgoing = buffer.next()
            declared.formUnion(outgoing.lost.map { Array($0) } ?? [])
            guard delivers else { return disconnect() }
            if let lost = outgoing.lost {
                #expect(lost.lowerBound <= servers[index].expected, "undeclared gap before the lost range")
                for number in lost {
                    #expect(dropped.contains(number), "\(number) is declared lost but was never dropped")
                    if !servers[index].stored.contains(number) { servers[index].declaredLost.insert(number) }
                }
                servers[index].expected = max(servers[index].expected, lost.upperBound + 1)
            }
            if !outgoing.messages.isEmpty {
                #expect(outgoing.firstSequence <= servers[index].expected, "gap")
            }
            for (offset, message) in outgoing.messages.enumerated() {
                let number = outgoing.firstSequence + UInt64(offset)
                guard case .reading(_, let values) = message.body else { continue }
                #expect(values == [.double(Double(number))], "sequence \(number) carries another message")
                guard number >= servers[index].expected else { continue }
                if Int.random(in: 0..<10, using: &generator) == 0 {
                    servers[index].rejected.insert(number)
                    if answers { _ = buffer.refuse(number...number) }
                } else {
                    servers[index].stored.insert(number)
                }
                servers[index].expected = number + 1
            }
            servers[index].cursor = servers[index].expected - 1
            guard answers else { return disconnect() }
            let upTo = UInt64.random(in: 0...(servers[index].expected - 1), using: &generator)
            try note(buffer.acknowledge(through: upTo))
        }

        mutating func note(_ settlement: PublisherBuffer.Settlement) throws {
            for (ranges, what) in [
                (settlement.accepted, "accepted"), (settlement.rejected, "rejected"),
                (settlement.lost, "lost"),
            ] {
                for number in ranges.flatMap({ Array($0) }) {
                    #expect(settled[number] == nil, "\(number) is settled twice")
                    settled[number] = what
                    switch what {
                    case "accepted":
                        // A refusal whose answer was lost is settled by the cursor alone.
                        #expect(
                            servers.contains { $0.stored.contains(number) || $0.rejected.contains(number) },
                            "\(number) counts as acknowledged, but no server has it")
                    // A server may have had it all the same: counting it as lost errs on the safe side.
                    case "lost": #expect(declared.contains(number) && dropped.contains(number))
                    default: #expect(servers.contains { $0.rejected.contains(number) })
                    }
                }
            }
            let expected = Array(1..<(buffer.acknowledged + 1))
            #expect(settled.count == expected.count, "settled sequences are consecutive")
        }
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func nothingIsLostOrDoubledSilently(seed: UInt64) throws {
        var history = History(seed: seed)
        for _ in 0..<400 {
            let policy: OverflowPolicy = Bool.random(using: &history.generator) ? .wait : .dropOldest
            switch Int.random(in: 0..<12, using: &history.generator) {
            case 0..<6: try history.append(policy: policy)
            case 6: try history.connect(to: Int.random(in: 0...1, using: &history.generator))
            case 7: history.disconnect()
            case 8: try history.exchange(delivers: false, answers: false)
            case 9: try history.exchange(delivers: true, answers: false)
            default: try history.exchange(delivers: true, answers: true)
            }
        }
        // In the end one server stays.
        try history.connect(to: 0)
        while history.buffer.hasWork {
            try history.exchange(delivers: true, answers: true)
        }
        let server = history.servers[0]
        try history.note(history.buffer.acknowledge(through: server.expected - 1))
        #expect(history.buffer.unsettledCount == 0)
        #expect(history.settled.count == Int(history.published))
        for number in 1..<(history.published + 1) where !history.dropped.contains(number) {
            #expect(history.settled[number] != "lost", "\(number) is lost, but was never dropped")
        }
    }
}
