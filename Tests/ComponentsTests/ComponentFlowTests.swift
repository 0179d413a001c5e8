import Components
import Messaging
import Testing

@Suite("Component instances of a group", .timeLimit(.minutes(5)))
struct ComponentFlowTests {
    /// A group whose thing feeds `a`, `a` feeds `b`, and `b` goes to the cloud.
    static func sound() throws -> GroupDefinition {
        GroupDefinition(
            name: "g", cores: ["c"], things: ["t"],
            components: ["a", "b"].map { ComponentInstance(name: $0, version: .any) },
            subscriptions: [
                Subscription(from: .thing("t"), topicFilter: "raw", to: .component("a")),
                Subscription(from: .component("a"), topicFilter: "mid/#", to: .component("b")),
                Subscription(from: .component("b"), topicFilter: "out", to: .cloud, via: "default"),
                Subscription(from: .component("a"), topicFilter: "$dead-letter/a", to: .stream("default")),
            ])
    }

    static func outputs() throws -> [String: [PublishedTopic]] {
        ["a": [.literal(try Topic("mid/1"))], "b": [.literal(try Topic("out")), .literal(try Topic("out"))]]
    }

    func problems(_ change: (inout GroupDefinition) throws -> Void) throws -> [DefinitionProblem] {
        var definition = try Self.sound()
        try change(&definition)
        return definition.validate()
    }

    func flowProblems(
        _ outputs: [String: [PublishedTopic]]? = nil,
        _ change: (inout GroupDefinition) throws -> Void = { _ in }
    ) throws -> [DefinitionProblem] {
        var definition = try Self.sound()
        try change(&definition)
        return definition.validate(outputs: try outputs ?? Self.outputs())
    }

    func instance(_ name: String) -> ComponentInstance { ComponentInstance(name: name, version: .any) }

    func route(_ from: String, _ to: String, _ topic: String = "#") -> Subscription {
        Subscription(from: .component(from), topicFilter: topic, to: .component(to))
    }

    @Test("are sound with and without their recipes")
    func soundness() throws {
        #expect(try Self.sound().validate() == [])
        #expect(try flowProblems() == [])
        #expect(
            try problems {
                $0.subscriptions.append(
                    Subscription(from: .component("b"), topicFilter: "out", to: .thing("t")))
            } == [])
    }

    @Test("have valid unique names and a version")
    func names() throws {
        #expect(try problems { $0.components[1].name = "a" }.map(\.path).first == "components[1].name")
        #expect(try problems { $0.components.append(instance("x y")) }.map(\.path) == ["components[2].name"])
        #expect(
            try problems { $0.components[0].component = "x y" }.map(\.path) == ["components[0].component"])
        #expect(
            try problems { $0.components[0].version = try VersionRange(parsing: " ") }.map(\.path)
                == ["components[0].version"])
        let many = (0..<257).map { instance("i\($0)") }
        #expect(try problems { $0.components += many }.map(\.path) == ["components"])
    }

    @Test("are what subscriptions address")
    func unknown() throws {
        let near = try problems {
            $0.components.append(instance("smooth"))
            $0.subscriptions.append(
                Subscription(from: .thing("t"), topicFilter: "x", to: .component("smoth")))
        }
        #expect(near.map(\.path) == ["subscriptions[4].to"])
        #expect(near[0].message == "component \"smoth\" is not in the group; did you mean \"smooth\"?")
        let far = try problems { $0.subscriptions.append(route("oven", "a")) }
        #expect(far.map(\.message) == ["component \"oven\" is not in the group; add it to components"])
    }

    @Test("take nothing from the cloud and nothing from streams")
    func ends() throws {
        let cloud = Subscription(from: .cloud, topicFilter: "x", to: .component("a"))
        #expect(try problems { $0.subscriptions.append(cloud) }[0].message.contains("in this version"))
        let stream = Subscription(from: .stream("default"), topicFilter: "x", to: .component("a"))
        #expect(try problems { $0.subscriptions.append(stream) }.map(\.path) == ["subscriptions[4].to"])
    }

    @Test("own their dead letters, and no other reserved topic")
    func reserved() throws {
        func found(_ from: SubscriptionEnd, _ topic: String) throws -> [String] {
            try problems {
                $0.subscriptions.append(Subscription(from: from, topicFilter: topic, to: .cloud))
            }.map(\.path)
        }
        #expect(try found(.component("b"), "$dead-letter/b") == [])
        #expect(try found(.component("b"), "$dead-letter/+") == [])
        #expect(try found(.component("b"), "$dead-letter/#") == [])
        #expect(try found(.component("b"), "$dead-letter/a") == ["subscriptions[4].topic"])
        #expect(try found(.component("b"), "$SYS/#") == ["subscriptions[4].topic"])
        #expect(try found(.thing("t"), "$dead-letter/a") == ["subscriptions[4].from"])
        #expect(try found(.thing("t"), "$other/a") == [])
        #expect(DeadLetter.topic(ofInstance: "a") == "$dead-letter/a")
    }

    @Test("are refused in a circle, which is named from end to end with its routes")
    func loops() throws {
        let pair = try problems { $0.subscriptions.append(route("b", "a")) }
        #expect(pair.map(\.path) == ["subscriptions[4]"])
        #expect(
            pair[0].message
                == "component:a → component:b → component:a is a loop (subscriptions[1], subscriptions[4]); "
                + "a message would never leave it, remove one of these routes")
        let own = try problems { $0.subscriptions.append(route("a", "a", "x")) }
        #expect(own[0].message.hasPrefix("component:a → component:a is a loop (subscriptions[4])"))
        let dead = try problems { $0.subscriptions.append(route("b", "a", "$dead-letter/b")) }
        #expect(dead.count == 1, "dead letters go in circles as well")
        let two = try problems {
            $0.components += [instance("x"), instance("y"), instance("z")]
            $0.subscriptions += [
                route("x", "y"), route("y", "z"), route("z", "x"), route("b", "a"), route("a", "x"),
            ]
        }
        #expect(two.map(\.path) == ["subscriptions[7]", "subscriptions[6]"])
        #expect(two[1].message.contains("component:x → component:y → component:z → component:x"))
    }

    @Test("make no circle by a route that carries nothing, once the recipes are known")
    func topicAwareLoops() throws {
        let found = try flowProblems { $0.subscriptions.append(route("b", "a", "never")) }
        #expect(found.map(\.path) == ["subscriptions[4].topic"])
        #expect(!found[0].message.contains("is a loop"))
        let real = try flowProblems { $0.subscriptions.append(route("b", "a", "+/#")) }
        #expect(real.map(\.path) == ["subscriptions[4]"])
    }

    @Test("stand in chains of at most eight")
    func chains() throws {
        func chain(_ count: Int) throws -> [DefinitionProblem] {
            try problems {
                $0.components = (0..<count).map { instance("i\($0)") }
                $0.subscriptions = (1..<count).map { route("i\($0 - 1)", "i\($0)") }
            }
        }
        #expect(try chain(8) == [])
        let nine = try chain(9)
        #expect(nine.map(\.path) == ["subscriptions[7]"])
        #expect(nine[0].message.hasPrefix("component:i0 → component:i1"))
        #expect(nine[0].message.contains("component:i8 are 9 components one after the other"))
    }

    @Test("are checked in bounded time where everything leads to everything")
    func dense() throws {
        let names = (0..<100).map { "i\($0)" }
        let definition = GroupDefinition(
            name: "g", cores: ["c"], components: names.map { instance($0) },
            subscriptions: names.flatMap { from in names.filter { $0 > from }.map { route(from, $0) } })
        let topics = try (0..<16).map { PublishedTopic.literal(try Topic("t/\($0)")) }
        let outputs = Dictionary(uniqueKeysWithValues: names.map { ($0, topics) })
        #expect(definition.validate().count == 1, "a chain of 100")
        // The names sort as texts: nothing reaches i0, and nothing takes what i99 publishes.
        #expect(definition.validate(outputs: outputs).count == 1 + 1 + 16)
    }

    @Test("that nothing reaches are refused")
    func unreached() throws {
        let found = try flowProblems { $0.subscriptions.remove(at: 0) }
        #expect(found.map(\.path) == ["components[0]"])
        #expect(found[0].message == "nothing reaches component:a; add a subscription to: component:a")
    }

    @Test("are refused with a published topic that no subscription takes")
    func untaken() throws {
        var outputs = try Self.outputs()
        outputs["b"]?.append(.literal(try Topic("alarm")))
        let found = try flowProblems(outputs)
        #expect(found.map(\.path) == ["components[1]"])
        #expect(found[0].message.hasPrefix("component:b publishes \"alarm\", which no subscription takes"))
        let computed = try flowProblems(["a": [.computed], "b": [.computed]]) {
            $0.subscriptions.remove(at: 2)
        }
        #expect(computed.map(\.path) == ["components[1]"])
    }

    @Test("are refused with a filter that matches nothing they publish")
    func deadFilters() throws {
        let near = try flowProblems { $0.subscriptions[2].topicFilter = "oup" }
        #expect(near.map(\.path) == ["components[1]", "subscriptions[2].topic"])
        #expect(
            near[1].message
                == "component:b publishes nothing that \"oup\" matches; did you mean \"out\"?")
        let far = try flowProblems { $0.subscriptions.append(route("a", "b", "somewhere/else")) }
        #expect(
            far.map(\.message) == [
                "component:a publishes nothing that \"somewhere/else\" matches; it publishes \"mid/1\""
            ])
        let computed = try flowProblems(["a": [.computed], "b": [.computed]]) {
            $0.subscriptions[2].topicFilter = "anything"
        }
        #expect(computed == [])
        #expect(try flowProblems([:]) { $0.subscriptions[2].topicFilter = "anything" } == [])
    }

    @Test("are warned about where dead letters or computed topics may go nowhere")
    func warnings() throws {
        let definition = try Self.sound()
        let warnings = try definition.warnings(outputs: Self.outputs())
        #expect(warnings.count == 1)
        #expect(warnings[0].hasPrefix("dead letters of component:b go nowhere"))
        #expect(warnings[0].contains("{from: component:b, topic: $dead-letter/b, to: cloud}"))
        #expect(definition.warnings(outputs: [:]) == [])
        let computed = definition.warnings(outputs: ["a": [.computed]])
        #expect(computed.count == 1)
        #expect(computed[0].hasPrefix("component:a computes topics"))
    }

    @Test("that are programs may begin and end anything, but make no circle")
    func programs() throws {
        // Nothing reaches it, and nobody knows where it publishes.
        var definition = GroupDefinition(
            name: "g", cores: ["c"], components: [instance("p")],
            subscriptions: [Subscription(from: .component("p"), topicFilter: "any/+", to: .cloud)])
        #expect(definition.validate(outputs: ["p": [.unknown]]) == [])
        #expect(definition.warnings(outputs: ["p": [.unknown]]) == [])
        definition.subscriptions = []
        #expect(definition.validate(outputs: ["p": [.unknown]]) == [])
        // What reaches it may fail there.
        definition = try Self.sound()
        definition.subscriptions.removeLast()
        let outputs: [String: [PublishedTopic]] = ["a": [.unknown], "b": [.literal(try Topic("out"))]]
        #expect(definition.validate(outputs: outputs) == [])
        #expect(
            definition.warnings(outputs: outputs).filter { $0.contains("dead letters of component:a") }.count
                == 1)
        definition.subscriptions.append(route("b", "a", "out"))
        #expect(
            definition.validate(outputs: outputs).map(\.message).contains { $0.contains("is a loop") })
    }
}
