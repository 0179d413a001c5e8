import Testing

@testable import ThingClient

@Suite("What is refused before it is buffered")
struct MessageRulesTests {
    @Test(arguments: [
        "", "$aws/x", "a/+/b", "a/#", "a\u{0}b", "1/2/3/4/5/6/7/8/9", String(repeating: "t", count: 257),
    ])
    func topicsThatNoServerTakes(topic: String) {
        #expect(throws: ThingError.self) {
            try OutgoingMessage(topic: topic, values: ["x": 1], time: noon)
        }
    }

    @Test(arguments: ["a", "/", "a//b", "1/2/3/4/5/6/7/8", String(repeating: "t", count: 256), "räume/süd"])
    func topicsThatAreFine(topic: String) throws {
        _ = try OutgoingMessage(topic: topic, values: ["x": 1], time: noon)
    }

    @Test(arguments: ["", "a/#/b", "a#", "+a/b", "a/b+"])
    func filtersThatNoServerTakes(filter: String) {
        #expect(throws: ThingError.self) { try MessageRules.check(filter: filter) }
    }

    @Test(arguments: ["#", "+", "a/+/b", "a/#", "+/+", "/"])
    func filtersThatAreFine(filter: String) throws {
        try MessageRules.check(filter: filter)
    }

    @Test func readingsAreBoundedInFieldsNamesTextsAndUnits() {
        let many = Dictionary(uniqueKeysWithValues: (0..<257).map { ("f\($0)", ReadingValue.double(1)) })
        let bad: [([String: ReadingValue], [String: String])] = [
            ([:], [:]), (many, [:]), (["": 1], [:]), ([String(repeating: "n", count: 129): 1], [:]),
            (["x": .string(String(repeating: "x", count: 65_537))], [:]), (["x": 1], ["y": "m"]),
            (["x": 1], ["x": String(repeating: "u", count: 65)]),
        ]
        for (values, units) in bad {
            #expect(throws: ThingError.self) {
                try OutgoingMessage(topic: "t", values: values, units: units, time: noon)
            }
        }
    }

    @Test func aMessageOfMoreThanOneMebibyteIsRefusedWithItsSize() throws {
        let error = try #require(throws: ThingError.self) {
            try OutgoingMessage(
                topic: "t", payload: [UInt8](repeating: 0, count: 1 << 20), contentType: "", time: noon)
        }
        #expect(error.description.contains("1 MiB"))
        _ = try OutgoingMessage(
            topic: "t", payload: [UInt8](repeating: 0, count: (1 << 20) - 200), contentType: "", time: noon)
    }

    @Test func rangesMergeSplitAndCount() {
        #expect(RangeList.inserting(3...4, into: [1...2, 6...7]) == [1...4, 6...7])
        #expect(RangeList.inserting(1...9, into: [2...3, 5...6]) == [1...9])
        #expect(RangeList.inserting(4...4, into: [1...2, 6...7]) == [1...2, 4...4, 6...7])
        #expect(RangeList.subtracting([2...3, 5...9], from: 1...7) == [1...1, 4...4])
        #expect(RangeList.dropping(through: 3, from: [1...2, 3...5]) == [4...5])
        #expect(RangeList.count([1...2, 5...5]) == 3)
    }
}
