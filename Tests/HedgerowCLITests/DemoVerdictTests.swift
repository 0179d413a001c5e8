import Testing

@testable import HedgerowCLI

@Suite struct DemoVerdictTests {
    private func raw(_ sequences: UInt64...) -> [DemoVerdict.Row] {
        sequences.map { .init(identity: .init(epoch: "aa", sequence: $0), temperature: 40 + Double($0)) }
    }

    /// What the formula makes of those, with a processor of 55 °C.
    private func corrected(
        _ sequences: UInt64..., version: String = "1.0.0", revision: UInt64 = 1
    ) -> [DemoVerdict.Row] {
        sequences.map {
            .init(
                identity: .init(epoch: "aa", sequence: $0), temperature: 2 * (40 + Double($0)) - 55,
                cpuTemperature: 55, version: version, revision: revision)
        }
    }

    @Test func nothingIsLostWhereEveryAcknowledgedMessageIsStoredOnceRawAndCorrected() {
        let verdict = DemoVerdict(
            acknowledgements: "aa 1 2\naa 3 3\n", raw: raw(3, 1, 2, 4), corrected: corrected(1, 2, 3, 4))
        #expect(verdict.lost.isEmpty && verdict.duplicates.isEmpty && verdict.wrong.isEmpty)
        #expect(verdict.acknowledged.count == 3 && verdict.raw.count == 4 && verdict.corrected.count == 4)
    }

    @Test func namesWhatIsAcknowledgedAndNotStored() {
        let verdict = DemoVerdict(
            acknowledgements: "aa 1 3\nbb 1 1\n", raw: raw(1, 3), corrected: corrected(1, 2, 3))
        #expect(verdict.lost == [.init(epoch: "aa", sequence: 2), .init(epoch: "bb", sequence: 1)])
        let uncorrected = DemoVerdict(acknowledgements: "aa 1 2\n", raw: raw(1, 2), corrected: corrected(2))
        #expect(uncorrected.lost == [.init(epoch: "aa", sequence: 1)])
    }

    @Test func namesWhatIsStoredTwice() {
        let verdict = DemoVerdict(
            acknowledgements: "aa 1 1\n", raw: raw(1, 2, 2), corrected: corrected(1, 1, 2))
        #expect(
            verdict.duplicates == [.init(epoch: "aa", sequence: 1), .init(epoch: "aa", sequence: 2)])
    }

    @Test func namesWhatTheFormulaDoesNotGive() {
        var rows = corrected(1, 2, 3)
        rows[1].cpuTemperature = nil
        rows[2] = .init(identity: rows[2].identity, temperature: 0, cpuTemperature: 55)
        let verdict = DemoVerdict(acknowledgements: "", raw: raw(1, 2, 3), corrected: rows)
        #expect(verdict.wrong.map(\.sequence) == [2, 3])
        var kelvin = corrected(1)[0]
        kelvin.unit = "K"
        #expect(DemoVerdict(acknowledgements: "", raw: raw(1), corrected: [kelvin]).wrong.count == 1)
    }

    @Test func aRevisionThatComesBackIsNoCleanChange() {
        let first = corrected(1, 2)
        let second = corrected(3, 4, version: "1.1.0", revision: 2)
        let clean = DemoVerdict(acknowledgements: "", raw: [], corrected: second + first)
        #expect(clean.changedOnce)
        #expect(clean.versions == ["1.0.0": 2, "1.1.0": 2])
        #expect(!DemoVerdict(acknowledgements: "", raw: [], corrected: second + corrected(5)).changedOnce)
    }

    @Test func aTornLastLineIsNotTakenForAnAcknowledgement() {
        let verdict = DemoVerdict(acknowledgements: "aa 1 2\naa 3", raw: [], corrected: [])
        #expect(verdict.acknowledged.count == 2)
    }

    @Test(
        arguments: [
            \DemoSummary.duplicates, \.lost, \.wrong,
        ] as [any WritableKeyPath<DemoSummary, Int> & Sendable])
    func aSummaryIsNotCleanWhereACountThatMustBeZeroIsNot(
        count: any WritableKeyPath<DemoSummary, Int> & Sendable
    ) {
        var summary = Self.summary
        #expect(summary.isClean)
        summary[keyPath: count] = 1
        #expect(!summary.isClean)
    }

    @Test func aSummaryIsNotCleanWhereTheCommandOrTheNewVersionHadNoEffect() {
        var summary = Self.summary
        summary.commandActedOn = false
        #expect(!summary.isClean)
        summary = Self.summary
        summary.tookOverCleanly = false
        #expect(!summary.isClean)
        summary = Self.summary
        summary.versions = ["1.0.0": 3]
        #expect(!summary.isClean)
    }

    private static let summary = DemoSummary(
        sent: 3, acknowledged: 3, storedRaw: 3, storedCorrected: 3, duplicates: 0, lost: 0, wrong: 0,
        versions: ["1.0.0": 2, "1.1.0": 1], tookOverCleanly: true, ledgerReceived: 6, ledgerLost: 0,
        ledgerMissing: 0, copiesDropped: 0, commandActedOn: true, traceComplete: true, secondsCutOff: 1,
        seconds: 2)

    @Test(arguments: [
        (1.005, 2, "1.00"), (-0.25, 1, "-0.3"), (1012.5, 2, "1012.50"), (-0.001, 2, "0.00"), (7, 0, "7"),
    ])
    func numbersAreRoundedToTheirDigits(number: Double, digits: Int, text: String) {
        #expect(DemoReadings.fixed(number, digits) == text)
    }
}
