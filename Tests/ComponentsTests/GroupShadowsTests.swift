import Components
import Foundation
import Shadows
import Testing

@Suite("Shadows of a group")
struct GroupShadowsTests {
    private static let definition = GroupDefinition(
        name: "g", cores: ["pi-2", "pi-1"], things: ["bme680-1", "press-1", "press-2", "oven"],
        shadows: ShadowSettings(
            sync: [
                ShadowSyncRule(things: ThingPattern("bme680-1"), interval: .seconds(5)),
                ShadowSyncRule(things: ThingPattern("press-*"), direction: .toCloud),
                ShadowSyncRule(things: ThingPattern("pi-1"), direction: .toEdge),
            ]))

    private func problems(_ change: (inout ShadowSettings) -> Void) -> [DefinitionProblem] {
        var definition = Self.definition
        var shadows = definition.shadows ?? ShadowSettings()
        change(&shadows)
        definition.shadows = shadows
        return definition.validate()
    }

    private func rule(_ things: String, every interval: TimeSpan = TimeSpan(milliseconds: 0))
        -> ShadowSyncRule
    {
        ShadowSyncRule(things: ThingPattern(things), interval: interval)
    }

    @Test("are synced by the first rule that matches")
    func firstMatch() {
        let definition = Self.definition
        #expect(definition.shadows?.rule(for: "press-2")?.direction == .toCloud)
        #expect(definition.shadows?.rule(for: "bme680-1")?.interval == .seconds(5))
        #expect(definition.shadows?.rule(for: "oven") == nil)
        #expect(Set(definition.shadowRules.keys) == ["bme680-1", "press-1", "press-2", "pi-1"])
        let rules = ShadowSettings(sync: [rule("press-1"), rule("*", every: .seconds(9))])
        #expect(rules.rule(for: "press-1")?.interval.milliseconds == 0)
        #expect(rules.rule(for: "press-2")?.interval == .seconds(9))
    }

    @Test("have a home, the first core where none is named")
    func home() {
        var definition = Self.definition
        #expect(definition.shadowHome == "pi-2")
        definition.shadows?.home = "pi-1"
        #expect(definition.shadowHome == "pi-1")
        definition.shadows?.sync = []
        #expect(definition.shadowHome == nil && definition.shadowRules.isEmpty)
        #expect(GroupDefinition(name: "g", cores: ["a"]).shadowHome == nil)
        #expect(ShadowSettings().home(among: []) == nil)
    }

    // MARK: What is refused

    @Test("name members, and a home among the cores")
    func members() {
        #expect(Self.definition.validate() == [])
        #expect(
            problems { $0.sync.append(rule("pres-1")) }.map(\.description) == [
                "shadows.sync[3].things: \"pres-1\" is no thing and no core of the group; did you mean \"press-1\"?"
            ])
        #expect(
            problems { $0.sync.append(rule("nobody")) }.map(\.description) == [
                "shadows.sync[3].things: \"nobody\" is no thing and no core of the group; add it to things, or write \"*\" for all of them"
            ])
        #expect(
            problems { $0.home = "pi-3" }.map(\.description) == [
                "shadows.home: the core \"pi-3\" is not in the group; did you mean \"pi-2\"?"
            ])
        #expect(
            problems { $0.home = "oven" }.map(\.description) == [
                "shadows.home: the core \"oven\" is not in the group; name one of its cores, or add it to cores"
            ])
        #expect(
            problems { $0.sync = [rule("{type=bme680}")] }.map(\.description) == [
                "shadows.sync[0].things: \"{type=bme680}\" names no things: selectors are not taken here; write a name, PREFIX*, or \"*\" for all things of the group"
            ])
        // One that no thing has now may have things later.
        #expect(problems { $0.sync.append(rule("lamp-*")) } == [])
    }

    @Test("have no rule that can never count")
    func order() {
        #expect(
            problems { $0.sync.append(rule("press-*")) }.map(\.description) == [
                "shadows.sync[3].things: \"press-*\" is listed twice; remove one"
            ])
        #expect(
            problems { $0.sync = [rule("press-*"), rule("press-1")] }.map(\.description) == [
                "shadows.sync[1].things: \"press-*\" comes before and takes all that \"press-1\" means; put \"press-1\" first"
            ])
        #expect(
            problems { $0.sync = [rule("*"), rule("press-*")] }.map(\.path) == ["shadows.sync[1].things"])
        #expect(problems { $0.sync = [rule("press-1"), rule("press-*"), rule("*")] } == [])
    }

    @Test(
        "gather changes for a second to a day, or not at all",
        arguments: [
            (0, true), (1, false), (999, false), (1_000, true), (86_400_000, true), (86_400_001, false),
        ])
    func interval(milliseconds: Int64, isSound: Bool) {
        let found = problems { $0.sync = [rule("*", every: TimeSpan(milliseconds: milliseconds))] }
        #expect(found.map(\.path) == (isSound ? [] : ["shadows.sync[0].every"]))
        #expect(found.allSatisfy { $0.message.contains("write 1s to 1d") })
    }

    @Test("have at most 1,000 rules")
    func limit() {
        let prefixes = (0..<1_001).map { rule("\(10_000 + $0)*") }
        #expect(problems { $0.sync = Array(prefixes.dropLast()) } == [])
        #expect(problems { $0.sync = prefixes }.map(\.path) == ["shadows.sync"])
    }

    // MARK: Components

    private func problems(of patterns: [String]) -> [String] {
        var definition = Self.definition
        definition.components = [
            ComponentInstance(
                name: "rain", version: .any, shadows: patterns.map(ThingPattern.init))
        ]
        return definition.validate().map(\.description)
    }

    @Test("are used by instances for members of the group")
    func instances() {
        #expect(problems(of: ["bme680-1", "press-*", "pi-1", "*"]) == [])
        #expect(
            problems(of: ["bme680-2"]) == [
                "components[0].shadows[0]: \"bme680-2\" is no thing and no core of the group; did you mean \"bme680-1\"?"
            ])
        #expect(
            problems(of: ["oven", "oven", "{hall}"]) == [
                "components[0].shadows[1]: \"oven\" is listed twice; remove one",
                "components[0].shadows[2]: \"{hall}\" names no things: selectors are not taken here; write a name, PREFIX*, or \"*\" for all things of the group",
            ])
        let many = (0..<1_001).map { "\($0)*" }
        #expect(problems(of: Array(many.dropLast())) == [])
        #expect(problems(of: many).count == 1)
    }

    // MARK: Meaning

    @Test("are the same where they mean the same")
    func equivalence() {
        var other = Self.definition
        other.shadows?.home = "pi-2"
        #expect(other.isEquivalent(to: Self.definition))
        #expect(GroupDifferences.between(Self.definition, other) == [])
        var none = Self.definition
        none.shadows = nil
        var empty = none
        empty.shadows = ShadowSettings(home: "pi-1")
        #expect(empty.isEquivalent(to: none) && GroupDifferences.between(none, empty) == [])
        let changes: [(inout GroupDefinition) -> Void] = [
            { $0.shadows?.home = "pi-1" }, { $0.shadows?.sync.swapAt(0, 1) }, { $0.shadows = nil },
            { $0.shadows?.sync[0].interval = .seconds(6) }, { $0.shadows?.sync[0].direction = .toEdge },
            { $0.shadows?.sync[0].things = .all }, { $0.cores.reverse() },
        ]
        for change in changes {
            var changed = Self.definition
            change(&changed)
            #expect(!changed.isEquivalent(to: Self.definition))
            #expect(GroupDifferences.between(Self.definition, changed) != [])
            #expect(changed.canonical.canonical == changed.canonical)
        }
    }

    @Test("are compared rule by rule")
    func differences() {
        func lines(_ change: (inout GroupDefinition) -> Void) -> [String] {
            var changed = Self.definition
            change(&changed)
            return GroupDifferences.between(Self.definition, changed).map(\.description)
        }
        #expect(
            lines {
                $0.shadows?.sync[0].interval = TimeSpan(milliseconds: 0)
                $0.shadows?.sync[1].direction = .both
                $0.shadows?.sync[2] = rule("oven", every: .seconds(60))
                $0.shadows?.home = "pi-1"
            } == [
                "~ shadows bme680-1 every: 5s → none", "+ shadows oven: direction both, every 1m",
                "- shadows pi-1: direction toEdge", "~ shadows press-* direction: toCloud → both",
                "~ shadows home: pi-2 → pi-1",
            ])
        #expect(
            lines { $0.shadows?.sync.swapAt(0, 1) } == [
                "~ shadows order: bme680-1 press-* pi-1 → press-* bme680-1 pi-1"
            ])
        #expect(
            GroupDifferences.between(nil, Self.definition).filter { $0.section == "shadows" }.map(
                \.description)
                == [
                    "+ shadows bme680-1: direction both, every 5s", "+ shadows pi-1: direction toEdge",
                    "+ shadows press-*: direction toCloud",
                ])
    }

    @Test("of instances are compared whatever their order")
    func instanceDifferences() {
        var first = Self.definition
        first.components = [
            ComponentInstance(name: "rain", version: .any, shadows: [ThingPattern("oven"), .all])
        ]
        var second = first
        second.components[0].shadows.reverse()
        #expect(second.isEquivalent(to: first) && GroupDifferences.between(first, second) == [])
        second.components[0].shadows.removeFirst()
        #expect(!second.isEquivalent(to: first))
        #expect(
            GroupDifferences.between(first, second).map(\.description) == [
                "~ components rain shadows: * oven → oven"
            ])
        #expect(second.components[0].reachesShadows(of: "oven"))
        #expect(!second.components[0].reachesShadows(of: "press-1"))
    }

    @Test("are stored with the definition, and an older one has none")
    func stored() throws {
        var definition = Self.definition
        definition.components = [ComponentInstance(name: "rain", version: .any, shadows: [.all])]
        let data = try JSONEncoder().encode(definition)
        #expect(try JSONDecoder().decode(GroupDefinition.self, from: data) == definition)
        let old = #"{"name": "g", "cores": ["c"], "things": [], "subscriptions": [], "streams": {}}"#
        #expect(try JSONDecoder().decode(GroupDefinition.self, from: Data(old.utf8)).shadows == nil)
        let plain = try JSONEncoder().encode(GroupDefinition(name: "g", cores: ["c"]))
        #expect(!String(decoding: plain, as: UTF8.self).contains("shadows"))
    }
}
