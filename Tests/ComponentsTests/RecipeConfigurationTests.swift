import Components
import Testing

@Suite struct RecipeConfigurationTests {
    private static let recipe = RecipeConfiguration([
        "limit": .double(80), "count": .int(3), "name": .string("hall"), "isOn": .bool(true),
        "levels": .object(["high": .double(90), "low": .double(10)]), "offsets": .object([:]),
        "anything": .null, "steps": .list([.int(1), .int(2)]), "factors": .list([.int(1), .double(2.5)]),
        "free": .list([]), "mixed": .list([.int(1), .string("a")]),
    ])

    private func applied(_ merge: [String: ConfigurationValue]) -> [String: ConfigurationValue] {
        let (values, problems) = Self.recipe.applying(ConfigurationUpdate(merge: merge))
        #expect(problems == [])
        return values
    }

    private func problems(_ merge: [String: ConfigurationValue]) -> [String] {
        Self.recipe.applying(ConfigurationUpdate(merge: merge)).problems.map { "\($0.place): \($0.message)" }
    }

    @Test func aNumberIsOfTheRecipesKindHoweverItIsWritten() {
        let values = applied(["limit": .int(75), "count": .double(4), "levels": .object(["high": .int(85)])])
        #expect(values["limit"] == .double(75))
        #expect(values["count"] == .int(4))
        #expect(values["levels"] == .object(["high": .double(85), "low": .double(10)]))
        #expect(values["name"] == .string("hall"))
    }

    @Test func whereTheRecipeSaysNothingNumbersAreDoubles() {
        let values = applied([
            "anything": .object(["a": .int(1)]), "offsets": .object(["t": .int(2)]), "free": .list([.int(3)]),
            "mixed": .list([.int(4)]), "factors": .list([.int(5)]), "steps": .list([.double(6)]),
        ])
        #expect(values["anything"] == .object(["a": .double(1)]))
        #expect(values["offsets"] == .object(["t": .double(2)]))
        #expect(values["free"] == .list([.double(3)]) && values["mixed"] == .list([.double(4)]))
        #expect(values["factors"] == .list([.double(5)]) && values["steps"] == .list([.int(6)]))
        #expect(Self.recipe.defaults["factors"] == .list([.double(1), .double(2.5)]))
    }

    @Test(
        arguments: [
            (
                ["limt": .int(1)],
                "/limt: the recipe's configuration has no \"/limt\"; did you mean \"/limit\"?"
            ),
            (
                ["levels": .object(["hihg": .int(1)])],
                "/levels/hihg: the recipe's configuration has no \"/levels/hihg\"; did you mean \"/levels/high\"?"
            ),
            (
                ["count": .double(1.5)],
                "/count: \"/count\" is a whole number in the recipe, not 1.5; write a whole one, or 3.0 in the recipe"
            ),
            (["limit": .string("x")], "/limit: \"/limit\" is a number in the recipe, not the text \"x\""),
            (["name": .int(7)], "/name: \"/name\" is a text in the recipe, not the number 7"),
            (["isOn": .null], "/isOn: \"/isOn\" is a truth value in the recipe, not null"),
            (["levels": .int(7)], "/levels: \"/levels\" is an object in the recipe, not the number 7"),
            (
                ["steps": .list([.int(1), .bool(true)])],
                "/steps/1: \"/steps/1\" is a whole number in the recipe, not the truth value true"
            ),
        ] as [([String: ConfigurationValue], String)])
    func whatDoesNotFitIsNamedWithItsPlace(merge: [String: ConfigurationValue], problem: String) {
        #expect(problems(merge) == [problem])
    }

    @Test func theResultIsBoundedAndSoAreTheProblems() {
        let long = ConfigurationValue.string(String(repeating: "x", count: ConfigurationValue.maximumBytes))
        #expect(problems(["name": long]).first?.contains("at most 32768 are allowed") == true)
        let many = Dictionary(
            uniqueKeysWithValues: (0..<100).map { ("zzzzz\($0)", ConfigurationValue.int(1)) })
        #expect(problems(many).count == RecipeConfiguration.maximumProblems)
    }

    @Test func placesToResetThatTheRecipeDoesNotHaveAreFound() throws {
        let places = try ["/levels/high", "/levels/hihg", "", "/limit/below", "/qqqqqqqqqq"].map {
            try #require(JSONPointer($0))
        }
        let strangers = Self.recipe.strangers(among: places)
        #expect(strangers.map(\.place.description) == ["/levels/hihg", "/limit/below", "/qqqqqqqqqq"])
        #expect(strangers.map(\.suggestion) == ["/levels/high", nil, nil])
    }

    @Test func theSameValueIsTheSameText() {
        let value = ConfigurationValue.object([
            "b": .list([.null, .bool(false), .int(-1), .double(0.5), .double(1e300)]),
            "a": .string("\"x\\\n\u{7F}é"),
        ])
        #expect(
            value.json
                == #"{"a": "\"x\\\n\u007fé", "b": [null, false, -1, 0.5, 1.0e+300]}"#)
        #expect(ConfigurationValue.members(parsing: value.json) == value.members)
        #expect(ConfigurationValue.members(parsing: "[1]") == nil)
        #expect(ConfigurationValue.members(parsing: "{") == nil)
        #expect(ConfigurationValue.double(1).canonical == .int(1))
        #expect(ConfigurationValue.double(1.5).canonical == .double(1.5))
        #expect(ConfigurationValue.list([.double(-0.0)]).canonical == .list([.int(0)]))
        #expect(JSONPointer(JSONPointer.text(["a/b", "~"]))?.keys == ["a/b", "~"])
    }
}
