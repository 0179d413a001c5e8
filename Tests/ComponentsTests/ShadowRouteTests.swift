import Components
import Messaging
import Testing

@Suite("Routes to and from shadows")
struct ShadowRouteTests {
    private static let definition = GroupDefinition(
        name: "g", cores: ["pi-1"], things: ["a", "b"],
        components: [
            ComponentInstance(name: "c", version: .any, shadows: [ThingPattern("a"), ThingPattern("pi-*")]),
            ComponentInstance(name: "none", version: .any),
        ])

    private func problems(_ from: SubscriptionEnd, _ topic: String, _ to: SubscriptionEnd) -> [String] {
        var definition = Self.definition
        definition.subscriptions = [Subscription(from: from, topicFilter: topic, to: to)]
        return definition.validate().map(\.description)
    }

    @Test(
        "lead requests and readings to them, and answers from them",
        arguments: [
            (.thing("a"), "$aws/things/a/shadow/#", .shadow), (.allThings, "$aws/things/+/shadow/#", .shadow),
            (.things(prefix: "a"), "$aws/things/+/shadow/update", .shadow),
            (.component("c"), "$aws/things/pi-1/shadow/name/+/update", .shadow),
            (.component("c"), "$aws/things/+/shadow/get", .shadow), (.component("none"), "x", .shadow),
            (.thing("a"), "bme680/readings", .shadow), (.component("c"), "#", .shadow),
            (.allThings, "#", .shadow), (.shadow, "$aws/things/a/shadow/#", .thing("a")),
            (.shadow, "$aws/things/+/shadow/update/delta", .component("c")),
            (.shadow, "$aws/things/+/shadow/#", .allThings),
        ] as [(SubscriptionEnd, String, SubscriptionEnd)])
    func sound(from: SubscriptionEnd, topic: String, to: SubscriptionEnd) {
        #expect(problems(from, topic, to) == [])
    }

    @Test("are refused at the cloud and at streams, which shadows are synced to")
    func ends() {
        #expect(
            problems(.cloud, "x", .shadow) == [
                "subscriptions[0].from: the cloud has shadows of its own; change them there (hedgerow shadow update), and say under shadows that they are synced"
            ])
        for end in [SubscriptionEnd.cloud, .stream("default")] {
            #expect(
                problems(.shadow, "$aws/things/a/shadow/#", end) == [
                    "subscriptions[0].to: shadows reach the cloud by being synced; write shadows: {sync: [THING]}, or name a thing or a component in to"
                ])
        }
        #expect(
            problems(.shadow, "$aws/things/a/shadow/#", .shadow) == [
                "subscriptions[0]: from and to are both shadow; name a thing or a component at one end"
            ])
        #expect(problems(.stream("default"), "x", .shadow).first?.hasPrefix("subscriptions[0].to: ") == true)
    }

    @Test(
        "from them take topics of shadows only",
        arguments: ["#", "x", "$aws/#", "$aws/things/#", "$aws/things/a/#", "$aws/things/a/shadow", "$SYS/#"])
    func topics(topic: String) {
        #expect(
            problems(.shadow, topic, .thing("a")) == [
                "subscriptions[0].topic: \"\(topic)\" is no topic of shadows; write $aws/things/THING/shadow/#, or narrower"
            ])
        if topic.hasPrefix("$") {
            #expect(
                problems(.thing("a"), topic, .shadow) == [
                    "subscriptions[0].topic: \"\(topic)\" is no topic of shadows; write $aws/things/THING/shadow/#, or narrower, or the topic of a reading that is to be reported"
                ])
        }
    }

    @Test("name a thing that is there, and a thing names itself")
    func things() {
        #expect(
            problems(.shadow, "$aws/things/bb/shadow/#", .thing("a")) == [
                "subscriptions[0].topic: \"bb\" is no thing and no core of the group; did you mean \"b\"?"
            ])
        #expect(
            problems(.thing("a"), "$aws/things/b/shadow/#", .shadow) == [
                "subscriptions[0].topic: a thing reaches its own shadows only, and \"$aws/things/b/shadow/#\" are those of \"b\"; write $aws/things/a/shadow/#"
            ])
        // Who listens to whom is the operator's choice.
        #expect(problems(.shadow, "$aws/things/b/shadow/#", .thing("a")) == [])
    }

    @Test("are asked by a program only for what its instance names")
    func reach() {
        #expect(
            problems(.component("c"), "$aws/things/b/shadow/get", .shadow) == [
                "subscriptions[0].topic: component:c may not use the shadows of \"b\"; add shadows: [b] to it"
            ])
        #expect(
            problems(.component("none"), "$aws/things/+/shadow/get", .shadow) == [
                "subscriptions[0].topic: component:none may use no shadows; add shadows: [THING] to it"
            ])
    }

    @Test("are asked by no transform, which publishes on no reserved topic")
    func transforms() {
        var definition = Self.definition
        definition.components.removeLast()
        definition.subscriptions = [
            Subscription(from: .thing("a"), topicFilter: "x", to: .component("c")),
            Subscription(from: .component("c"), topicFilter: "#", to: .cloud),
            Subscription(from: .component("c"), topicFilter: "$aws/things/a/shadow/update", to: .shadow),
        ]
        #expect(definition.validate(outputs: ["c": [.unknown]]) == [])
        #expect(
            definition.validate(outputs: ["c": [.computed]]).map(\.path) == ["subscriptions[2].topic"])
    }

    @Test("are the only ones that topics of shadows take")
    func others() {
        for end in [SubscriptionEnd.cloud, .thing("b"), .component("c")] {
            #expect(
                problems(.thing("a"), "$aws/things/a/shadow/update", end) == [
                    "subscriptions[0].to: \"$aws/things/a/shadow/update\" is a topic of shadows, which answers requests and takes no other route; write to: shadow"
                ])
        }
        #expect(
            problems(.component("c"), "$aws/things/a/shadow/update", .cloud).first?.contains("are reserved")
                == true)
    }

    @Test("make no circle of a component that listens to them and writes to them")
    func circle() {
        var definition = Self.definition
        definition.subscriptions = [
            Subscription(from: .component("c"), topicFilter: "$aws/things/a/shadow/update", to: .shadow),
            Subscription(from: .shadow, topicFilter: "$aws/things/a/shadow/#", to: .component("c")),
            Subscription(from: .component("c"), topicFilter: "x", to: .shadow),
        ]
        #expect(definition.validate() == [])
        // A transform that only shadows lead to is reached.
        definition.subscriptions.remove(at: 0)
        #expect(definition.validate(outputs: ["c": [.literal(try! .init("x"))], "none": [.unknown]]) == [])
    }
}
