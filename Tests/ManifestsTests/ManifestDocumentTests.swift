import Components
import Testing

@testable import Manifests

/// Files of several documents of every kind.
@Suite struct ManifestDocumentTests {
    private static let all = """
        # A fleet.
        ---
        kind: ThingType
        name: bme680
        description: Temperature, humidity, pressure, gas
        attributes:
          hall: Where it hangs
        ---
        kind: Thing
        name: bme680-1
        type: bme680
        attributes: {hall: press}
        --- # the core
        kind: Thing
        name: pi-1
        core: true
        --- {kind: Group, name: small, cores: [pi-1]}
        ---
        kind: Component
        name: smooth
        version: 1.0.0
        transform:
          - publish: out/a
        ---
        kind: Group
        name: g
        cores: [pi-1]
        things:
          - bme680-1
          - {selector: 'type=bme680'}
        """

    @Test func everyDocumentHasItsKindItsPlaceAndItsText() throws {
        let documents = try ManifestDocument.parseAll(Self.all, fileName: "f")
        #expect(documents.map(\.kind) == ["ThingType", "Thing", "Thing", "Group", "Component", "Group"])
        #expect(documents.map(\.name) == ["bme680", "bme680-1", "pi-1", "small", "smooth", "g"])
        #expect(documents.map(\.line) == [3, 9, 14, 17, 19, 25])
        #expect(documents[4].text.hasPrefix("kind: Component") && documents[4].text.hasSuffix("out/a\n"))
        #expect(documents[4].identity == "Component \"smooth\" 1.0.0")
        guard case .thing(let core) = documents[2].content, case .thing(let thing) = documents[1].content,
            case .thingType(let type) = documents[0].content, case .group(let group) = documents[5].content
        else {
            Issue.record("the kinds are wrong")
            return
        }
        #expect(core == ThingDefinition(name: "pi-1", isCore: true))
        #expect(thing == ThingDefinition(name: "bme680-1", type: "bme680", attributes: ["hall": "press"]))
        #expect(type.attributes == ["hall": "Where it hangs"])
        #expect(group.definition.things == ["bme680-1"])
        #expect(group.definition.selectors.map(\.description) == ["type=bme680"])
    }

    @Test func aFileOfOneDocumentIsItsText() throws {
        let text = "# head\nkind: Thing\nname: a\n"
        #expect(try ManifestDocument.parseAll(text, fileName: "f").map(\.text) == [text])
        let marked = "---\n" + text + "---\n"
        #expect(try ManifestDocument.parseAll(marked, fileName: "f").map(\.text) == [marked])
    }

    @Test func errorsOfAllDocumentsHaveTheirPlacesInTheFile() {
        let text = """
            kind: Thing
            name: a b
            ---
            kind: Thing
            name: c
            attributes: {type: x, 'a b': y}
            ---
            kind: Gruop
            ---
            kind: Component
            name: d
            version: 1.0
            transform: []
            ---
            name: e
            ---
            kind: Group
            name: g
            cores: [pi]
            things: [{selector: 'type='}, {selektor: x}]
            """
        let errors = #expect(throws: ManifestErrors.self) {
            try ManifestDocument.parseAll(text, fileName: "f")
        }
        let lines = errors?.errors.map(\.description) ?? []
        for expected in [
            "f:2:7: name is not a name", "f:6:14: attributes[\"type\"] is what selectors call",
            "f:6:23: attributes[\"a b\"] is not a name",
            "f:8:7: the kind \"Gruop\" is not known; did you mean Group?",
            "f:12:10: ", "f:15:1: the manifest lacks \"kind\"", "f:20:21: \"type=\" is not a selector",
            "f:20:32: an entry of things has no key \"selektor\"; did you mean \"selector\"?",
        ] {
            #expect(
                lines.contains { $0.hasPrefix(expected) }, "\(expected)\n\(lines.joined(separator: "\n"))")
        }
    }

    @Test func anAliasNamesComponentAndExactVersion() throws {
        let documents = try ManifestDocument.parseAll(
            "kind: Alias\ncomponent: smooth\nname: live\nversion: 1.0.0\n", fileName: "f")
        #expect(documents.map(\.kind) == ["Alias"] && documents.map(\.name) == ["smooth@live"])
        #expect(documents[0].identity == "Alias \"smooth@live\"")
        guard case .alias(let alias) = documents[0].content else {
            Issue.record("it is no alias")
            return
        }
        let version = try SemanticVersion(parsing: "1.0.0")
        #expect(alias == AliasDefinition(component: "smooth", name: "live", version: version))
        #expect(alias.differences(from: version).isEmpty)
        #expect(alias.differences(from: nil).map(\.kind) == [.added])

        let wrong = #expect(throws: ManifestErrors.self) {
            try ManifestDocument.parseAll(
                """
                kind: Alias
                component: smooth
                name: '@live'
                version: ^1.0
                ---
                kind: Alias
                name: live
                alias: x
                """, fileName: "f")
        }
        let lines = wrong?.errors.map(\.description) ?? []
        for expected in [
            "f:3:7: \"name\" is not a name", "f:4:10: \"version\" has to be an exact version: ",
            "f:6:1: an alias lacks \"component\"", "f:6:1: an alias lacks \"version\"",
            "f:8:1: an alias has no key \"alias\"",
        ] {
            #expect(
                lines.contains { $0.hasPrefix(expected) }, "\(expected)\n\(lines.joined(separator: "\n"))")
        }
        #expect(lines.contains { $0.hasSuffix("; leave out the @") })
    }

    @Test func whatIsDescribedTwiceIsSaidWithBothPlaces() throws {
        let first = try ManifestDocument.parseAll("kind: Thing\nname: a\n", fileName: "f")
        let second = try ManifestDocument.parseAll(
            "kind: Thing\nname: b\n---\nkind: Thing\nname: a\n", fileName: "g")
        let errors = ManifestDocument.repeats(in: first + second)
        #expect(errors.map(\.description) == ["g:4:1: Thing \"a\" is described at f:1 already; remove one"])
    }

    @Test func selectorsAreWrittenBackAsSelectors() throws {
        let text = """
            kind: Group
            name: g
            cores: [c]
            things:
              - a
              - {selector: "type=bme680,hall in (press,paint)"}
            subscriptions:
              - {from: "thing:{type=bme680}", topic: x, to: cloud}

            """
        let written = try GroupManifest.parse(text, fileName: "f")
        #expect(try GroupManifest.parse(GroupManifest.render(written), fileName: "r") == written)
        let revision = written.resolvingSelectors(
            among: [.init(facts: ThingFacts(name: "s", type: "bme680", attributes: ["hall": "press"]))]
        ).definition
        #expect(revision.things == ["a", "s"] && revision.subscriptions.map(\.from) == [.thing("s")])
        #expect(try GroupManifest.parse(GroupManifest.render(revision), fileName: "r") == written)
    }
}
