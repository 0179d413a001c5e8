import Testing

@testable import HedgerowCLI

@Suite struct DemoVerdictTests {
    private func rows(_ sequences: UInt64...) -> [DemoVerdict.Identity] {
        sequences.map { DemoVerdict.Identity(epoch: "aa", sequence: $0) }
    }

    @Test func nothingIsLostWhereEveryAcknowledgedMessageIsStoredOnce() {
        let verdict = DemoVerdict(acknowledgements: "aa 1 2\naa 3 3\n", history: rows(3, 1, 2, 4))
        #expect(verdict.lost.isEmpty && verdict.duplicates.isEmpty)
        #expect(verdict.acknowledged.count == 3 && verdict.stored.count == 4)
    }

    @Test func namesWhatIsAcknowledgedAndNotStored() {
        let verdict = DemoVerdict(acknowledgements: "aa 1 3\nbb 1 1\n", history: rows(1, 3))
        #expect(verdict.lost == [.init(epoch: "aa", sequence: 2), .init(epoch: "bb", sequence: 1)])
    }

    @Test func namesWhatIsStoredTwice() {
        let verdict = DemoVerdict(acknowledgements: "aa 1 1\n", history: rows(1, 2, 2))
        #expect(verdict.duplicates == [.init(epoch: "aa", sequence: 2)])
    }

    @Test func aTornLastLineIsNotTakenForAnAcknowledgement() {
        #expect(DemoVerdict(acknowledgements: "aa 1 2\naa 3", history: []).acknowledged.count == 2)
    }

    @Test func aSummaryIsCleanOnlyWhereNothingIsLostOrDoubledAndTheCommandWasActedOn() {
        var summary = DemoSummary(
            sent: 3, acknowledged: 3, stored: 3, duplicates: 0, lost: 0, ledgerReceived: 3, ledgerLost: 0,
            ledgerMissing: 0, copiesDropped: 0, commandActedOn: true, secondsCutOff: 1, seconds: 2)
        #expect(summary.isClean)
        summary.lost = 1
        #expect(!summary.isClean)
        summary.lost = 0
        summary.duplicates = 1
        #expect(!summary.isClean)
        summary.duplicates = 0
        summary.commandActedOn = false
        #expect(!summary.isClean)
    }

    @Test(arguments: [
        (1.005, 2, "1.00"), (-0.25, 1, "-0.3"), (1012.5, 2, "1012.50"), (-0.001, 2, "0.00"), (7, 0, "7"),
    ])
    func numbersAreRoundedToTheirDigits(number: Double, digits: Int, text: String) {
        #expect(DemoReadings.fixed(number, digits) == text)
    }
}
