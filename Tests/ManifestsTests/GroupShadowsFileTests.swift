import Components
import Manifests
import Shadows
import Testing

@Suite("Shadows in a group file")
struct GroupShadowsFileTests {
    private static func text(_ shadows: String, instance: String = "") -> String {
        """
        kind: Group
        name: g
        cores: [pi-1, pi-2]
        things: [bme680-1, press-1]
        components:
          - {name: rain-hall, component: rain, version: 1.0.0\(instance)}
        \(shadows)

        """
    }

    private func errors(_ shadows: String, instance: String = "") -> [String] {
        do throws(ManifestErrors) {
            _ = try GroupManifest.parse(Self.text(shadows, instance: instance), fileName: "g.yaml")
            return []
        } catch {
            return error.errors.map(\.description)
        }
    }

    @Test("are read, and rendered so that they read back the same")
    func reading() throws {
        let text = Self.text(
            """
            shadows:
              sync: [bme680-1, {things: 'press-*', direction: toCloud, every: 60s}, '*']
              home: pi-2
            """, instance: ", shadows: [bme680-1, press-*]")
        let definition = try GroupManifest.parse(text, fileName: "g.yaml")
        #expect(
            definition.shadows
                == ShadowSettings(
                    sync: [
                        ShadowSyncRule(things: ThingPattern("bme680-1")),
                        ShadowSyncRule(
                            things: ThingPattern("press-*"), direction: .toCloud, interval: .seconds(60)),
                        ShadowSyncRule(things: .all),
                    ], home: "pi-2"))
        #expect(definition.components[0].shadows == [ThingPattern("bme680-1"), ThingPattern("press-*")])
        let rendered = GroupManifest.render(definition)
        #expect(
            rendered.hasSuffix(
                """
                shadows:
                  sync:
                    - bme680-1
                    - {things: "press-*", direction: toCloud, every: 1m}
                    - "*"
                  home: pi-2

                """))
        #expect(rendered.contains(#"shadows: [bme680-1, "press-*"]"#))
        #expect(try GroupManifest.parse(rendered, fileName: "g.yaml") == definition)
    }

    @Test("with nothing to sync read back too")
    func nothing() throws {
        let definition = try GroupManifest.parse(Self.text("shadows: {sync: []}"), fileName: "g.yaml")
        #expect(definition.shadows == ShadowSettings())
        #expect(try GroupManifest.parse(GroupManifest.render(definition), fileName: "g.yaml") == definition)
    }

    @Test(
        "are refused with their place",
        arguments: [
            ("shadows: {}", "7:10: shadows lacks \"sync\"; add it"),
            ("shadows: {sync: bme680-1}", "7:17: \"sync\" has to be a list, but is the text \"bme680-1\""),
            (
                "shadows: {sync: [], strategy: x}",
                "7:21: shadows has no key \"strategy\"; known are sync, home"
            ),
            (
                "shadows: {sync: [{things: bme680-1, direction: up}]}",
                "7:48: \"up\" is no direction; write both or toCloud or toEdge"
            ),
            (
                "shadows: {sync: [{things: bme680-1, every: 60}]}",
                "7:44: \"60\" is not a span of time; write whole numbers with units, such as 90s, 15m, 12h or 7d"
            ),
            (
                "shadows: {sync: [{things: bme680-1, every: 2d}]}",
                "7:44: 2d is out of range; write 1s to 1d, or 0s for every change at once, which is the default"
            ),
            ("shadows: {sync: [{direction: both}]}", "7:18: an entry of sync lacks \"things\"; add it"),
            (
                "shadows: {sync: [bme680-1, bme680-2]}",
                "7:28: \"bme680-2\" is no thing and no core of the group; did you mean \"bme680-1\"?"
            ),
            (
                "shadows: {sync: ['{type=bme680}']}",
                "7:18: \"{type=bme680}\" names no things: selectors are not taken here; write a name, PREFIX*, or \"*\" for all things of the group"
            ),
            (
                "shadows: {sync: [{things: '*'}, {things: press-1}]}",
                "7:42: \"*\" comes before and takes all that \"press-1\" means; put \"press-1\" first"
            ),
            (
                "shadows: {sync: ['*'], home: bme680-1}",
                "7:30: the core \"bme680-1\" is not in the group; name one of its cores, or add it to cores"
            ),
        ])
    func refused(shadows: String, expected: String) {
        #expect(errors(shadows) == ["g.yaml:\(expected)"])
    }

    @Test("take no selectors, however they are written")
    func selectors() {
        let advice =
            "selectors are not taken here; write a name, PREFIX*, or \"*\" for all things of the group"
        #expect(errors("shadows: {sync: [{selector: type=bme680}]}") == ["g.yaml:7:19: \(advice)"])
        #expect(errors("", instance: ", shadows: [{selector: hall}]") == ["g.yaml:6:67: \(advice)"])
    }

    @Test("of instances are refused with their place")
    func instances() {
        #expect(
            errors("", instance: ", shadows: [bme680-1, oven]") == [
                "g.yaml:6:76: \"oven\" is no thing and no core of the group; add it to things, or write \"*\" for all of them"
            ])
        #expect(
            errors("", instance: ", shadows: bme680-1") == [
                "g.yaml:6:65: \"shadows\" has to be a list, but is the text \"bme680-1\""
            ])
        #expect(
            errors("", instance: ", shadows: [press-1, press-1]") == [
                "g.yaml:6:75: \"press-1\" is listed twice; remove one"
            ])
    }

    @Test("make no further errors where the things could not be read")
    func following() {
        let text = "kind: Group\nname: g\ncores: [c]\nthings: [5, a]\nshadows: {sync: [b]}\n"
        do throws(ManifestErrors) {
            _ = try GroupManifest.parse(text, fileName: "g.yaml")
            Issue.record("it was taken")
        } catch {
            #expect(error.errors.map(\.line) == [4])
        }
    }
}
