import Components
import Manifests
import Messaging
import Testing

@Suite("Components of a group file")
struct GroupComponentsTests {
    func errors(_ text: String) -> [String] {
        do throws(ManifestErrors) {
            _ = try GroupManifest.parse(text, fileName: "g.yaml")
            return []
        } catch {
            return error.errors.map(\.description)
        }
    }

    static let text = """
        kind: Group
        name: g
        cores: [c]
        things: [t]
        components:
          - {name: compensate-temperature, version: ^1.0}
          - name: hall
            component: smooth
            version: ">=1.2 <3"
        subscriptions:
          - {from: thing:t, topic: raw, to: component:compensate-temperature}
          - {from: component:compensate-temperature, topic: mid, to: component:hall}
          - {from: component:hall, topic: out, to: cloud}

        """

    @Test("are read, and rendered so that they read back the same")
    func reading() throws {
        let definition = try GroupManifest.parse(Self.text, fileName: "g.yaml")
        #expect(definition.components.map(\.name) == ["compensate-temperature", "hall"])
        #expect(definition.components.map(\.component) == ["compensate-temperature", "smooth"])
        #expect(definition.components.map(\.version.description) == ["^1.0", ">=1.2 <3"])
        let rendered = GroupManifest.render(definition)
        #expect(rendered.contains("  - {name: compensate-temperature, version: \"^1.0\"}\n"))
        #expect(rendered.contains("  - {name: hall, component: smooth, version: \">=1.2 <3\"}\n"))
        #expect(try GroupManifest.parse(rendered, fileName: "g.yaml") == definition)
    }

    @Test(
        "are refused with their place",
        arguments: [
            (
                "{name: a, version: 1.0}",
                "5:22: \"version\" has to be a text, but is the number 1.0; write it in quotes: \"1.0\""
            ),
            (
                "{name: a, version: 1}",
                "5:22: \"version\" has to be a text, but is the number 1; write it in quotes: \"1\""
            ),
            ("{name: a}", "5:3: a component of a group lacks \"version\"; add it"),
            ("{version: 1.0.0}", "5:3: a component of a group lacks \"name\"; add it"),
            (
                "{name: a, versoin: 1.0.0, version: 1.0.0}",
                "5:13: a component of a group has no key \"versoin\"; did you mean \"version\"?"
            ),
            (
                "{name: a, version: newest}",
                "5:22: \"newest\" is not a version or range: \"newest\" is not a number; write an exact version such as 1.2.0, or a range such as ^1.2, ~1.2.3, 1.x or \">=1.2 <3\""
            ),
            (
                "{name: a, version: \"\"}",
                "5:22: the version is empty; write an exact version such as 1.2.0, a range such as ^1.2, or \"*\" for the newest"
            ),
            ("a", "5:3: a component of a group has to be a mapping (key: value), but is the text \"a\""),
        ])
    func refused(item: String, expected: String) {
        let text = "kind: Group\nname: g\ncores: [c]\ncomponents:\n- \(item)\n"
        #expect(errors(text) == ["g.yaml:\(expected)"])
    }

    @Test(
        "say that a range goes in quotes where YAML reads it as something else",
        arguments: ["*", ">=1.2", "@live"])
    func unquoted(version: String) {
        let text = "kind: Group\nname: g\ncores: [c]\ncomponents: [{name: a, version: \(version)}]\n"
        let found = errors(text)
        #expect(found.count == 1)
        #expect(found.first?.hasSuffix("; put a text that begins with this character in quotes") == true)
        #expect(found.first?.hasPrefix("g.yaml:4:3") == true)
    }

    @Test("are refused in a loop with the lines of its routes")
    func loop() {
        let text =
            Self.text + "  - {from: component:hall, topic: out, to: component:compensate-temperature}\n"
        #expect(
            errors(text) == [
                "g.yaml:14:5: component:compensate-temperature → component:hall → component:compensate-temperature is a loop (line 12, line 14); a message would never leave it, remove one of these routes"
            ])
    }

    @Test("find the places of what the recipes show to be wrong")
    func later() throws {
        let manifest = try GroupManifest.parseOne(Self.text, fileName: "g.yaml")
        let problems = manifest.definition.validate(outputs: [
            "compensate-temperature": [.literal(try Topic("mid"))],
            "hall": [.literal(try Topic("out2")), .literal(try Topic("out3"))],
        ])
        #expect(
            manifest.locate(problems).map { "\($0.line):\($0.column)" } == ["7:5", "7:5", "13:35"])
        let unresolved = DefinitionProblem(path: "components[1].version", message: "see subscriptions[0]")
        #expect(manifest.locate([unresolved]).map(\.description) == ["g.yaml:9:14: see line 11"])
    }

    @Test("leave no doubt about a file of the other kind")
    func kind() {
        #expect(
            errors("kind: Component\nname: a\n") == [
                "g.yaml:1:7: this is a component, not a group; register it with hedgerow components push FILE"
            ])
    }
}
