import Components
import Manifests
import Testing

@Suite("Configuration and environment in a group file")
struct GroupSettingsTests {
    private static func text(_ more: String) -> String {
        """
        kind: Group
        name: g
        cores: [c]
        things: [t]
        components:
          - name: hall
            component: limit
            version: ^1.0
            \(more)
        subscriptions:
          - {from: thing:t, topic: raw, to: component:hall}
          - {from: component:hall, topic: out, to: cloud}

        """
    }

    private func errors(_ more: String) -> [String] {
        do throws(ManifestErrors) {
            _ = try GroupManifest.parse(Self.text(more), fileName: "g.yaml")
            return []
        } catch {
            return error.errors.map(\.description)
        }
    }

    private func instance(_ more: String) throws -> ComponentInstance {
        try GroupManifest.parse(Self.text(more), fileName: "g.yaml").components[0]
    }

    @Test("are read, and rendered so that they read back the same")
    func reading() throws {
        let text = Self.text(
            """
            configuration:
                  merge: {limits: {high: 75.5, "a b": [1, true, null, 'x']}, big: 1.0e+300, whole: 2.0, none: {}}
                  reset: [/limits/low, ""]
                environment: {THING_NAME: bme680-1, PORT: 8080, RATIO: 1.0, FLAG: yes, EMPTY: '', TEXT: "two\\nlines"}
            """)
        let definition = try GroupManifest.parse(text, fileName: "g.yaml")
        let instance = definition.components[0]
        #expect(
            instance.configuration.merge == [
                "limits": .object([
                    "high": .double(75.5), "a b": .list([.int(1), .bool(true), .null, .string("x")]),
                ]), "big": .double(1e300), "whole": .int(2), "none": .object([:]),
            ])
        #expect(instance.configuration.reset.map(\.description) == ["/limits/low", ""])
        // A number or a truth value is the text that stands there.
        #expect(
            instance.environment == [
                "THING_NAME": "bme680-1", "PORT": "8080", "RATIO": "1.0", "FLAG": "yes", "EMPTY": "",
                "TEXT": "two\nlines",
            ])
        let rendered = GroupManifest.render(definition)
        #expect(rendered.contains("PORT: \"8080\""))
        #expect(try GroupManifest.parse(rendered, fileName: "g.yaml") == definition)
        #expect(
            !GroupManifest.render(try GroupManifest.parse(Self.text(""), fileName: "g")).contains("config"))
    }

    @Test(
        "are refused with their place",
        arguments: [
            (
                "configuration: {limits: 1}",
                [
                    "g.yaml:9:21: the configuration of a component has no key \"limits\"; known are merge, reset"
                ]
            ),
            (
                "configuration: {mrege: {}}",
                [
                    "g.yaml:9:21: the configuration of a component has no key \"mrege\"; did you mean \"merge\"?"
                ]
            ),
            (
                "configuration: {merge: [1]}",
                ["g.yaml:9:28: \"merge\" has to be a mapping (key: value), but is a list"]
            ),
            (
                "configuration: {merge: {a: {b: 99999999999999999999}}}",
                ["g.yaml:9:36: 99999999999999999999 does not fit 64 bits; write it as a text, in quotes"]
            ),
            (
                "configuration: {merge: {a: .inf}}",
                ["g.yaml:9:32: .inf is no number that JSON has; write a finite one"]
            ),
            (
                "configuration: {merge: {a: {b: 1, b: 2}}}",
                ["g.yaml:9:33: the key \"b\" is there twice; remove one"]
            ),
            (
                "configuration: {reset: [limits/high]}",
                [
                    "g.yaml:9:29: \"limits/high\" is no JSON pointer; write a path such as /limits/high, with ~1 for / "
                        + "and ~0 for ~ within a key"
                ]
            ),
            (
                "environment: {A: , B: [1], C: x}",
                [
                    "g.yaml:9:22: the variable \"A\" has no value; write \"\" for an empty one",
                    "g.yaml:9:27: the variable \"B\" has to be a text, but is a list",
                ]
            ),
            (
                "environment: {A-B: x, HEDGEROW_CORE: y}",
                [
                    "g.yaml:9:19: \"A-B\" is no name of a variable; a name has the letters A to Z and a to z, digits "
                        + "and _, and no digit first",
                    "g.yaml:9:27: names that begin with HEDGEROW_ are reserved; choose another name than HEDGEROW_CORE",
                ]
            ),
            (
                "environment: [A]",
                ["g.yaml:9:18: \"environment\" has to be a mapping (key: value), but is a list"]
            ),
        ] as [(String, [String])])
    func refusals(more: String, expected: [String]) {
        #expect(errors(more) == expected)
    }

    @Test("have their place for what is found out later")
    func places() throws {
        let manifest = try GroupManifest.parseOne(
            Self.text("configuration:\n      merge:\n        limits:\n          hihg: 7\n"),
            fileName: "g.yaml")
        let located = manifest.locate([
            DefinitionProblem(path: "components[0].configuration.merge/limits/hihg", message: "wrong"),
            DefinitionProblem(path: "components[0].configuration.merge", message: "large"),
        ])
        #expect(located.map(\.description) == ["g.yaml:12:11: wrong", "g.yaml:11:9: large"])
    }
}
