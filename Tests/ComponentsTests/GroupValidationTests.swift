import Components
import Testing

@Suite("Validation of group definitions")
struct GroupValidationTests {
    static func sound() -> GroupDefinition {
        GroupDefinition(
            name: "press-hall", cores: ["pi-1"], things: ["bme680-1", "lamp"],
            subscriptions: [
                Subscription(from: .thing("bme680-1"), topicFilter: "bme680/#", to: .cloud),
                Subscription(from: .cloud, topicFilter: "lamp/+", to: .thing("lamp")),
                Subscription(from: .allThings, topicFilter: "#", to: .stream("bulk")),
                Subscription(from: .things(prefix: "bme"), topicFilter: "alarm", to: .cloud, via: "bulk"),
            ],
            streams: ["bulk": StreamSettings(maxSize: .kibibytes(64), onFull: .rejectNew, priority: 10)],
            caRotation: .days(7))
    }

    /// The problems of the sound definition after a change.
    func problems(_ change: (inout GroupDefinition) -> Void) -> [DefinitionProblem] {
        var definition = Self.sound()
        change(&definition)
        return definition.validate()
    }

    func add(_ subscription: Subscription) -> [DefinitionProblem] {
        problems { $0.subscriptions.append(subscription) }
    }

    @Test("finds nothing wrong with a sound definition, nor with the smallest one")
    func sound() {
        #expect(Self.sound().validate() == [])
        #expect(GroupDefinition(name: "g", cores: ["c"]).validate() == [])
    }

    @Test("wants a valid name, at least one core, and valid unique members")
    func members() {
        #expect(problems { $0.name = "press hall" }.map(\.path) == ["name"])
        #expect(problems { $0.cores = [] }.map(\.path) == ["cores"])
        #expect(problems { $0.cores = ["pi-1", "pi-1"] }.map(\.path) == ["cores[1]"])
        #expect(problems { $0.things += ["lamp"] }.map(\.path) == ["things[2]"])
        #expect(problems { $0.things += ["a/b"] }.map(\.path) == ["things[2]"])
        #expect(problems { $0.things += [String(repeating: "x", count: 129)] }.map(\.path) == ["things[2]"])
    }

    @Test("refuses a core that is listed as a thing or is the end of a route")
    func coreAsThing() {
        #expect(problems { $0.things += ["pi-1"] }.map(\.path) == ["things[2]"])
        let found = add(Subscription(from: .thing("pi-1"), topicFilter: "#", to: .cloud))
        #expect(found.map(\.path) == ["subscriptions[4].from"])
        #expect(found[0].message.contains("is a core"))
    }

    @Test("refuses things that are not in the group and suggests the near one")
    func unknownThings() {
        let near = add(Subscription(from: .thing("bme680-2"), topicFilter: "#", to: .cloud))
        #expect(near.map(\.path) == ["subscriptions[4].from"])
        #expect(near[0].message.contains("did you mean \"bme680-1\"?"))
        let far = add(Subscription(from: .cloud, topicFilter: "#", to: .thing("oven")))
        #expect(far.map(\.path) == ["subscriptions[4].to"])
        #expect(far[0].message.contains("add it to things"))
    }

    @Test("refuses routes that make no sense")
    func routes() {
        #expect(
            add(Subscription(from: .cloud, topicFilter: "#", to: .cloud)).map(\.path) == ["subscriptions[4]"])
        #expect(
            add(Subscription(from: .cloud, topicFilter: "#", to: .stream("bulk"))).map(\.path)
                == ["subscriptions[4]"])
        #expect(
            add(Subscription(from: .stream("bulk"), topicFilter: "#", to: .cloud)).map(\.path)
                == ["subscriptions[4].to"])
        #expect(
            add(Subscription(from: .stream("bulk"), topicFilter: "#", to: .allThings)).map(\.message)
                == ["the stream \"bulk\" is not exported to a topic; add topic: TOPIC to its exports"])
        #expect(
            add(Subscription(from: .allThings, topicFilter: "x", to: .stream("bluk"))).map(\.message)
                == ["there is no stream \"bluk\"; did you mean \"bulk\"?"])
        #expect(
            add(Subscription(from: .allThings, topicFilter: "x", to: .cloud, via: "other")).map(\.path)
                == ["subscriptions[4].via"])
        #expect(
            add(Subscription(from: .allThings, topicFilter: "x", to: .thing("lamp"), via: "bulk")).map(\.path)
                == ["subscriptions[4].via"])
        #expect(add(Subscription(from: .allThings, topicFilter: "x", to: .cloud, via: "default")) == [])
    }

    @Test("refuses a route that is there already, however it is spelled")
    func duplicateRoutes() {
        let found = add(
            Subscription(from: .thing("bme680-1"), topicFilter: "bme680/#", to: .cloud, via: "default"))
        #expect(found.map(\.path) == ["subscriptions[4]"])
        #expect(found[0].message.contains("subscriptions[0]"))
    }

    @Test("refuses invalid topic filters", arguments: ["", "a/#/b", "a+", "#a", "a\0", "1/2/3/4/5/6/7/8/9"])
    func filters(filter: String) {
        #expect(
            add(Subscription(from: .allThings, topicFilter: filter, to: .cloud)).map(\.path)
                == ["subscriptions[4].topic"])
    }

    @Test("holds streams to their limits")
    func streams() {
        #expect(
            problems { $0.streams["bulk"]?.maxSize = ByteSize(bytes: 65_535) }.map(\.path) == [
                "streams.bulk.maxSize"
            ])
        #expect(problems { $0.streams["bulk"]?.maxSize = ByteSize(bytes: .max) }.count == 1)
        #expect(problems { $0.streams["bulk"]?.priority = 0 }.map(\.path) == ["streams.bulk.priority"])
        #expect(problems { $0.streams["bulk"]?.priority = 11 }.map(\.path) == ["streams.bulk.priority"])
        #expect(problems { $0.streams["a b"] = StreamSettings() }.map(\.path) == ["streams.a b"])
        #expect(
            problems { for n in 0..<64 { $0.streams["s\(n)"] = StreamSettings() } }.map(\.path) == ["streams"]
        )
    }

    @Test("holds the rotation of the CA to its limits")
    func rotation() {
        #expect(problems { $0.caRotation = .seconds(3_599) }.map(\.path) == ["caRotation"])
        #expect(problems { $0.caRotation = .days(301) }.map(\.path) == ["caRotation"])
        #expect(problems { $0.caRotation = .hours(1) } == [])
    }

    @Test("takes 10,000 subscriptions and refuses one more")
    func subscriptionLimit() {
        let many = (0..<10_000).map { Subscription(from: .allThings, topicFilter: "t/\($0)", to: .cloud) }
        #expect(problems { $0.subscriptions = many } == [])
        let more = many + [Subscription(from: .allThings, topicFilter: "one/more", to: .cloud)]
        #expect(problems { $0.subscriptions = more }.map(\.path) == ["subscriptions"])
    }

    @Test("lists every problem at once, and no more than 200")
    func manyProblems() {
        let several = problems {
            $0.name = ""
            $0.cores = []
            $0.caRotation = .seconds(0)
        }
        #expect(several.map(\.path) == ["name", "cores", "caRotation"])
        let unknown = (0..<5_000).map {
            Subscription(from: .thing("nobody-\($0)"), topicFilter: "#", to: .cloud)
        }
        #expect(problems { $0.subscriptions = unknown }.count == 200)
    }
}
