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
}
