import Components
import Manifests
import Testing

@Suite("Group files")
struct GroupManifestTests {
    static let pressHall = """
        kind: Group
        name: press-hall
        cores: [pi-1]
        things: [bme680-1, lamp]
        subscriptions:
          - {from: thing:bme680-1, topic: bme680/readings, to: cloud}
          - {from: cloud, topic: lamp/+, to: thing:lamp}
          - from: thing:*
            topic: "#"
            to: cloud
            via: bulk
        streams:
          default: {maxSize: 256MiB, onFull: overwriteOldest, priority: 5}
          bulk: {maxSize: 65536, onFull: rejectNew}
        caRotation: 7d
        """

    static let definition = GroupDefinition(
        name: "press-hall", cores: ["pi-1"], things: ["bme680-1", "lamp"],
        subscriptions: [
            Subscription(from: .thing("bme680-1"), topicFilter: "bme680/readings", to: .cloud),
            Subscription(from: .cloud, topicFilter: "lamp/+", to: .thing("lamp")),
            Subscription(from: .allThings, topicFilter: "#", to: .cloud, via: "bulk"),
        ],
        streams: [
            "default": StreamSettings(), "bulk": StreamSettings(maxSize: .kibibytes(64), onFull: .rejectNew),
        ],
        caRotation: .days(7))

    @Test("are read from YAML")
    func yaml() throws {
        #expect(try GroupManifest.parse(Self.pressHall, fileName: "g.yaml") == Self.definition)
    }

    @Test("are read from JSON, the same")
    func json() throws {
        let text = """
            {"kind": "Group", "name": "press-hall", "cores": ["pi-1"], "things": ["bme680-1", "lamp"],
            \t"subscriptions": [
              {"from": "thing:bme680-1", "topic": "bme680/readings", "to": "cloud"},
              {"from": "cloud", "topic": "lamp/+", "to": "thing:lamp"},
              {"from": "thing:*", "topic": "#", "to": "cloud", "via": "bulk"}],
             "streams": {"default": {"maxSize": "256MiB", "onFull": "overwriteOldest", "priority": 5},
                         "bulk": {"maxSize": 65536, "onFull": "rejectNew"}},
             "caRotation": "7d"}
            """
        #expect(try GroupManifest.parse(text, fileName: "g.json") == Self.definition)
    }

    @Test("may hold several groups")
    func several() throws {
        let text = "---\nkind: Group\nname: a\ncores: [c]\n---\nkind: Group\nname: b\ncores: [d]\n---\n"
        let manifests = try GroupManifest.parseAll(text, fileName: "g.yaml")
        #expect(manifests.map(\.definition.name) == ["a", "b"])
        #expect(manifests.map(\.line) == [2, 6])
        #expect(errors(text) == ["g.yaml:6:1: the file holds 2 groups; only one is allowed here"])
    }

    @Test("are written so that they read back the same")
    func rendering() throws {
        var definition = Self.definition
        definition.things += ["on", "1e3", "0x10", "null", "-", ".", "2024-01-01", "_"]
        definition.subscriptions.append(
            Subscription(
                from: .thing("on"), topicFilter: "a \"quoted\" \\ tab\t1/é\u{7f}\u{2028}", to: .cloud))
        #expect(try GroupManifest.parse(GroupManifest.render(definition), fileName: "r") == definition)
    }

    // MARK: What is refused

    func errors(_ text: String) -> [String] {
        do {
            _ = try GroupManifest.parse(text, fileName: "g.yaml")
            return []
        } catch {
            return error.errors.map(\.description)
        }
    }

    @Test("are refused with every error at once, each with its place and what to do")
    func everyError() {
        let text = """
            kind: Group
            name: press hall
            cores: pi-1
            thigns: [a]
            subscriptions:
              - {from: thng:a, topic: x, to: cloud}
              - {from: cloud, topic: x/#/y, to: cloud}
              - {from: cloud, to: thing:*, topc: a}
            streams:
              bulk: {maxSize: 1KiB, onFull: explode, priority: high}
            caRotation: 7
            """
        let found = errors(text)
        // The wording of this one is the topic filter's own.
        #expect(found.count == 12)
        #expect(found.dropFirst(5).first?.hasPrefix("g.yaml:7:26: ") == true)
        #expect(
            found.filter { !$0.hasPrefix("g.yaml:7:26: ") } == [
                "g.yaml:2:7: the group's name \"press hall\" contains a character that is not allowed; a name has 1 to 128 of the characters A-Z a-z 0-9 . _ -",
                "g.yaml:3:8: \"cores\" has to be a list, but is the text \"pi-1\"",
                "g.yaml:4:1: a group has no key \"thigns\"; did you mean \"things\"?",
                "g.yaml:6:12: \"thng:a\" is not an end of a subscription; write thing:NAME, thing:*, thing:PREFIX*, thing:{SELECTOR}, component:INSTANCE, stream:NAME, shadow or cloud",
                "g.yaml:7:5: from and to are both cloud; name a thing at one end",
                "g.yaml:8:5: a subscription lacks \"topic\"; add it",
                "g.yaml:8:32: a subscription has no key \"topc\"; did you mean \"topic\"?",
                "g.yaml:10:19: 1KiB is too small; a stream has at least 64KiB",
                "g.yaml:10:33: \"explode\" is no policy; write overwriteOldest or rejectNew",
                "g.yaml:10:52: \"priority\" has to be a whole number, but is the text \"high\"",
                "g.yaml:11:13: \"7\" is not a span of time; write whole numbers with units, such as 90s, 15m, 12h or 7d",
            ])
    }

    @Test("are refused with the place of what is wrong in their meaning")
    func meaning() {
        let text = """
            kind: Group
            name: g
            cores: [c]
            things: [a, a, c]
            subscriptions:
              - {from: thing:a, topic: x, to: cloud}
              - {from: thing:b, topic: x, to: cloud, via: blk}
              - {from: thing:a, topic: x, to: cloud}
              - {from: component:x, topic: $x, to: shadow}
            streams:
              bulk: {}
            """
        #expect(
            errors(text) == [
                "g.yaml:4:13: the thing \"a\" is listed twice; remove one",
                "g.yaml:4:16: \"c\" is a core of this group; a core is not listed as a thing",
                "g.yaml:7:12: thing \"b\" is not in the group; did you mean \"a\"?",
                "g.yaml:7:47: there is no stream \"blk\"; did you mean \"bulk\"?",
                "g.yaml:8:5: this subscription says the same as line 6; remove one",
                "g.yaml:9:12: component \"x\" is not in the group; add it to components",
                "g.yaml:9:32: \"$x\" is no topic of shadows; write $aws/things/THING/shadow/#, or narrower, or the topic of a reading that is to be reported",
            ])
    }

    @Test(
        "are refused where a name is not a text",
        arguments: [
            ("name: 5", "2:7: \"name\" has to be a text, but is the number 5; write it in quotes: \"5\""),
            (
                "name: on",
                "2:7: \"name\" has to be a text, but is the truth value on; write it in quotes: \"on\""
            ),
            ("name:", "2:6: \"name\" has to be a text, but is empty"),
            ("name: [a]", "2:7: \"name\" has to be a text, but is a list"),
            ("name: {a: b}", "2:7: \"name\" has to be a text, but is a mapping"),
        ])
    func types(line: String, expected: String) {
        #expect(errors("kind: Group\n\(line)\ncores: [c]\n") == ["g.yaml:\(expected)"])
    }

    @Test("are refused without their kind, or with another one")
    func kind() {
        #expect(errors("name: g\n") == ["g.yaml:1:1: the manifest lacks \"kind\"; write kind: Group"])
        #expect(
            errors("kind: Component\nname: c\n")
                == [
                    "g.yaml:1:7: this is a component, not a group; register it with hedgerow components push FILE"
                ])
        #expect(
            errors("kind: Grp\nname: c\n")
                == ["g.yaml:1:7: the kind \"Grp\" is not known; a group file says kind: Group"])
        #expect(errors("kind: Group\n").count == 2)
    }

    @Test("are refused where two documents name the same group")
    func sameGroupTwice() {
        let text = "kind: Group\nname: a\ncores: [c]\n---\nkind: Group\nname: a\ncores: [c]\n"
        #expect(errors(text) == ["g.yaml:5:1: the group \"a\" is on line 1 already"])
    }
}
