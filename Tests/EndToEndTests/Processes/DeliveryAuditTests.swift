import TestSupport
import Testing

/// The oracle of the kill test can fail: it finds a dropped message, a doubled one, and a false claim of loss.
@Suite struct DeliveryAuditTests {
    private let run = DeliveryAudit.Run(thing: "press-1", epoch: "00ff")

    private func audit(stored: [UInt64], named: [ClosedRange<UInt64>] = []) -> DeliveryAudit {
        var audit = DeliveryAudit()
        audit.acknowledge(run, 1...3)
        audit.acknowledge(run, 4...5)
        for sequence in stored { audit.store(run, sequence) }
        for range in named { audit.name(run, range) }
        return audit
    }

    @Test("what arrived once is right, also where more arrived than was acknowledged") func correct() {
        let audit = audit(stored: [5, 4, 3, 2, 1, 6])
        #expect(audit.violations.isEmpty)
        #expect(audit.absentCount == 0)
    }

    @Test("a dropped message is found") func dropped() {
        #expect(audit(stored: [1, 2, 4, 5]).violations == [.vanished(run, 3)])
    }

    @Test("a dropped message that the ledger names is a loss, not a violation") func named() {
        let audit = audit(stored: [1, 2, 5], named: [3...4])
        #expect(audit.violations.isEmpty)
        #expect(audit.lostCount == 2)
        #expect(audit.absentCount == 2)
    }

    @Test("a doubled message is found") func doubled() {
        #expect(audit(stored: [1, 2, 3, 3, 4, 5]).violations == [.repeated(run, 3, 2)])
    }

    @Test("a doubled message that was never acknowledged is found") func doubledUnacknowledged() {
        #expect(audit(stored: [1, 2, 3, 4, 5, 7, 7, 7]).violations == [.repeated(run, 7, 3)])
    }

    @Test("a stored message that the ledger names as lost is found") func falselyLost() {
        #expect(audit(stored: [1, 2, 3, 4, 5], named: [5...9]).violations == [.falselyLost(run, 5)])
    }

    @Test("epochs and things are kept apart") func apart() {
        var audit = audit(stored: [])
        for sequence in UInt64(1)...5 { audit.store(.init(thing: "press-2", epoch: "00ff"), sequence) }
        #expect(audit.violations.count == 5)
    }

    @Test("a loss of a thing that may lose nothing is found, though it is named") func lostThough() {
        var audit = DeliveryAudit(lossless: ["press-1"])
        audit.acknowledge(run, 1...3)
        for sequence in UInt64(1)...2 { audit.store(run, sequence) }
        audit.name(run, 3...3)
        #expect(audit.violations == [.lost(run, 3...3)])
    }

    @Test("a ledger that names more than was published is found") func tooMuch() {
        var audit = audit(stored: [1, 2, 3], named: [4...6])
        audit.end(run, at: 5)
        #expect(audit.violations == [.neverPublished(run, 4...6)])
        audit.end(run, at: 6)
        #expect(audit.violations.isEmpty)
    }

    @Test("a message that is not what was published is found") func altered() {
        var audit = audit(stored: [1, 2, 3, 4, 5])
        audit.alter(run, 3)
        #expect(audit.violations == [.altered(run, 3)])
    }

    @Test("what is stored out of order on one way is found; two ways have an order each") func order() {
        var audit = audit(stored: [1, 2, 3, 4, 5])
        audit.order(run, 3...4, way: "core-a")
        audit.order(run, 1...2, way: "core-b")
        audit.order(run, 5...5, way: "core-a")
        #expect(audit.violations.isEmpty)
        audit.order(run, 2...2, way: "core-a")
        #expect(audit.violations == [.outOfOrder(run, 2, way: "core-a")])
    }

    @Test("two lanes have two orders, and no third") func lanes() {
        var audit = audit(stored: [1, 2, 3, 4, 5])
        for sequence: UInt64 in [10, 1, 11, 2, 3, 12] {
            audit.order(run, sequence...sequence, way: "core-a", lanes: 2)
        }
        #expect(audit.violations.isEmpty)
        audit.order(run, 2...2, way: "core-a", lanes: 2)
        #expect(audit.violations == [.outOfOrder(run, 2, way: "core-a")])
    }
}
