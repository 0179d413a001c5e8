import Components
import Foundation
import Testing

/// Configuration and environment of instances in a group's definition.
@Suite struct InstanceSettingsTests {
    private func group(
        _ merge: [String: ConfigurationValue] = [:], reset: [JSONPointer] = [],
        environment: [String: String] = [:]
    ) throws -> GroupDefinition {
        GroupDefinition(
            name: "g", cores: ["c"], things: ["t"],
            components: [
                ComponentInstance(
                    name: "limit", version: try VersionRange(parsing: "^1"),
                    configuration: ConfigurationUpdate(merge: merge, reset: reset), environment: environment)
            ])
    }

    @Test(
        arguments: [
            (["1A": "x"], "components[0].environment.1A", "is no name of a variable"),
            (["": "x"], "components[0].environment.", "is no name of a variable"),
            (["A-B": "x"], "components[0].environment.A-B", "is no name of a variable"),
            (["Ä": "x"], "components[0].environment.Ä", "is no name of a variable"),
            (["HEDGEROW_X": "x"], "components[0].environment.HEDGEROW_X", "are reserved"),
            (["A": "x\0y"], "components[0].environment.A", "contains U+0000"),
            (["A": String(repeating: "x", count: 32 << 10)], "components[0].environment", "at most 32768"),
            (
                Dictionary(uniqueKeysWithValues: (0...64).map { ("A\($0)", "") }),
                "components[0].environment",
                "65 variables are too many"
            ),
        ] as [([String: String], String, String)])
    func variablesHaveNamesAndLimits(environment: [String: String], path: String, message: String) throws {
        let problems = try group(environment: environment).validate()
        #expect(problems.map(\.path) == [path])
        #expect(problems.first?.message.contains(message) == true, "\(problems)")
    }

    @Test func anythingElseIsAVariable() throws {
        let environment = ["A": "", "_b9": "two\nlines", "HEDGEROW": "x", "THING_NAME": "bme680-1"]
        #expect(try group(environment: environment).validate() == [])
    }

    @Test func aConfigurationHasLimits() throws {
        let long = ConfigurationValue.string(String(repeating: "x", count: ConfigurationValue.maximumBytes))
        #expect(try group(["a": long]).validate().map(\.path) == ["components[0].configuration.merge"])
        let places = try (0...64).map { try #require(JSONPointer("/\($0)")) }
        #expect(try group(reset: places).validate().map(\.path) == ["components[0].configuration.reset"])
        #expect(try group(["a": .int(1)], reset: Array(places.dropLast())).validate() == [])
    }

    @Test func anotherSpellingMeansTheSame() throws {
        let one = try group(["a": .object(["x": .int(1), "y": .list([.double(2)])]), "b": .bool(true)])
        var two = try group(["b": .bool(true), "a": .object(["y": .list([.int(2)]), "x": .double(1)])])
        two.components[0].configuration.reset = [try #require(JSONPointer("/a"))]
        #expect(one.isEquivalent(to: two))
        #expect(GroupDifferences.between(one, two) == [])
        #expect(try !one.isEquivalent(to: group(["b": .bool(true)])))
        #expect(try !group(environment: ["A": "1"]).isEquivalent(to: group(environment: ["A": "1.0"])))
    }

    @Test func theyAreStoredAndReadBackTheSame() throws {
        let written = try group(
            ["limit": .double(80), "part": .double(0.1), "none": .null],
            reset: [try #require(JSONPointer("/x"))],
            environment: ["A": "1"])
        let stored = try JSONEncoder().encode(written)
        let read = try JSONDecoder().decode(GroupDefinition.self, from: stored)
        #expect(read.isEquivalent(to: written))
        #expect(read.components[0].environment == ["A": "1"])
        // What an earlier version stored has neither.
        let plain = try JSONEncoder().encode(try group())
        #expect(!String(decoding: plain, as: UTF8.self).contains("onfiguration"))
        #expect(try JSONDecoder().decode(GroupDefinition.self, from: plain).components[0].environment == [:])
    }

    @Test func differencesNameEachValue() throws {
        let old = try group(
            ["limits": .object(["high": .int(80), "low": .int(1)]), "name": .string("a")],
            environment: ["A": "1", "B": "2"])
        let new = try group(
            ["limits": .object(["high": .int(75), "low": .double(1)])], environment: ["A": "", "C": "3"])
        #expect(
            GroupDifferences.between(old, new).map(\.description) == [
                "~ components limit configuration /limits/high: 80 → 75",
                "~ components limit environment A: 1 → \"\"", "~ components limit environment C: none → 3",
                "~ components limit configuration /name: \"a\" → none",
                "~ components limit environment B: 2 → none",
            ])
        #expect(
            GroupDifferences.between(nil, new).map(\.description).contains(
                "+ components limit: component limit, version ^1, configuration /limits/high 75, "
                    + "configuration /limits/low 1, environment A \"\", environment C 3"))
        let long = try group(["text": .string(String(repeating: "x", count: 200))])
        #expect(GroupDifferences.between(try group(), long).map(\.to).first?.count == 81)
    }

    // MARK: Plans

    private func planned(
        _ number: UInt64, _ merge: [String: ConfigurationValue], environment: [String: String] = [:]
    ) throws -> PlannedRevision {
        let version = try SemanticVersion(parsing: "1.0.0")
        let lock = ["limit", "follower", "other"].map {
            LockedComponent(instance: $0, component: $0, version: version, recipeDigest: [1])
        }
        let dependency = ComponentDependency(component: "limit", version: .any)
        return PlannedRevision(
            number: number, lock: lock,
            instances: try group(merge, environment: environment).components,
            requirements: [
                "follower": ComponentCandidate(
                    version: version, recipeDigest: [1], dependencies: [dependency])
            ],
            defaults: ["limit": RecipeConfiguration(["high": .double(80), "low": .double(0)])])
    }

    private func restarts(_ old: PlannedRevision, _ new: PlannedRevision) -> [String] {
        DeploymentPlan(from: old, to: new).steps.filter { $0.action != .unchanged }
            .map { "\($0.instance): \($0.causes.joined(separator: "; "))" }
    }

    @Test func onlyTheInstanceWhoseValuesDifferRestartsAndWhatDependsOnIt() throws {
        let old = try planned(1, ["high": .int(75)])
        let dependent = "follower: it depends on component:limit, which restarts"
        #expect(
            restarts(old, try planned(2, ["high": .int(70)]))
                == ["limit: its configuration changes", dependent])
        #expect(
            restarts(old, try planned(2, ["high": .int(75)], environment: ["A": "1"]))
                == ["limit: its environment changes", dependent])
        #expect(restarts(old, try planned(2, ["high": .double(75)])) == [])
        #expect(restarts(old, try planned(2, ["high": .double(75), "low": .int(0)])) == [])
        #expect(restarts(try planned(1, [:]), try planned(2, ["high": .int(80)])) == [])
        // A variable with the value that the recipe gives is none of the instance's own.
        func program(_ environment: [String: String]) throws -> PlannedRevision {
            var revision = try planned(2, [:], environment: environment)
            revision.defaults["limit"] = RecipeConfiguration(variables: ["LEVEL": "info"])
            return revision
        }
        #expect(restarts(try program([:]), try program(["LEVEL": "info"])) == [])
        #expect(
            restarts(try program([:]), try program(["LEVEL": "debug"]))
                == ["limit: its environment changes", dependent])
    }
}
