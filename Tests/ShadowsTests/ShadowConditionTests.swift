import Shadows
import Testing

@Suite struct ShadowConditionTests {
    private let stored = StoredShadow.present(
        .fixture(
            desired: ["target": .integer(25)],
            reported: ["temperature": .number(21.5), "count": .integer(3), "tags": .array([.string("a")])],
            version: 7))

    @Test(arguments: [
        "state.reported.temperature < 30.0", "state.reported.count < 3.5", "version == 7", "exists",
        "state.desired.target == 25 && state.delta.target == 25", "'a' in state.reported.tags",
        "metadata.reported.temperature.timestamp == 1700000000", "!has(state.reported.humidity)", "true",
    ])
    func whatIsTrueHolds(text: String) throws {
        let condition = try ShadowCondition(text)
        #expect(try condition.holds(for: stored))
        #expect(throws: Never.self) { try condition.check(stored) }
    }

    @Test func whatIsFalseIsRefused() throws {
        let condition = try ShadowCondition("state.reported.temperature > 30.0")
        #expect(try !condition.holds(for: stored))
        let error = #expect(throws: ShadowError.self) { try condition.check(stored, clientToken: "t") }
        #expect(error?.code == .conditionFalse)
        #expect(error?.clientToken == "t")
    }

    @Test func aFieldThatIsNotThereSaysSo() throws {
        for text in [
            "state.reported.humidity < 30.0", "state.delta.nothing == 1", "state.reported.tags + 1 == 2",
        ] {
            let error = #expect(throws: ShadowError.self) { try ShadowCondition(text).check(stored) }
            #expect(error?.code == .conditionFalse)
            #expect(error?.message.hasPrefix("The condition has no value: ") == true)
        }
        let deleted = StoredShadow.deleted(
            ShadowTombstone(incarnation: .fixture(), version: 3, deleteTime: 0))
        for nothing in [nil, deleted] {
            #expect(try ShadowCondition("!exists && version == 0").holds(for: nothing))
            #expect(throws: ShadowError.self) {
                try ShadowCondition("state.reported.a == 1").holds(for: nothing)
            }
        }
    }

    @Test(arguments: ["1 +", "foo", "version", "'text'", "state.reported.temperature + ", ""])
    func whatIsNoConditionIsRefused(text: String) {
        let error = #expect(throws: ShadowError.self) { try ShadowCondition(text) }
        #expect(error?.code == .invalidExpression)
    }

    @Test func theLengthIsBounded() {
        let longest = "true" + String(repeating: " ", count: ShadowCondition.longest - 4)
        #expect(throws: Never.self) { try ShadowCondition(longest) }
        #expect(throws: ShadowError.self) { try ShadowCondition(longest + " ") }
    }
}
