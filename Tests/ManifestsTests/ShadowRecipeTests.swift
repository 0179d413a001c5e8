import Components
import Manifests
import Testing
import Transforms

/// `access: {shadows: …}`, the step `shadow` and the function `shadow()` in recipes.
@Suite("Shadows in a recipe")
struct ShadowRecipeTests {
    private func errors(_ text: String) -> [String] {
        do throws(ManifestErrors) {
            _ = try ComponentManifest.parse(
                "kind: Component\nname: c\nversion: 1.0.0\n\(text)\n", fileName: "c.yaml")
            return []
        } catch {
            return error.errors.map(\.description)
        }
    }

    /// The errors of steps, which begin on line 6.
    private func stepErrors(_ steps: String, access: String = "write") -> [String] {
        errors("access: {shadows: \(access)}\ntransform:\n\(steps)")
    }

    @Test("are read with every form of the step")
    func reading() throws {
        let manifest = try ComponentManifest.parse(
            """
            kind: Component
            name: compensate
            version: 1.0.0
            access: {shadows: write}
            transform:
              - shadow: {report: {temperature: reading.temperature, valid: true}, name: env}
              - shadow:
                  report: true
                  desire:
                    mode: |
                      'eco'
              - where: has(shadow('env').reported) && shadow().version > 2
              - publish: x
            """, fileName: "c.yaml")
        #expect(manifest.warnings.isEmpty)
        #expect(manifest.recipe.access == ComponentAccess(shadows: .write))
        #expect(manifest.recipe.access.names == ["write shadows"])
        #expect(manifest.transform?.shadows == .write)
        #expect(
            manifest.transform?.definition.steps.prefix(2) == [
                .shadow(
                    ShadowStep(
                        name: "env",
                        report: .values([
                            ShadowAssignment(
                                key: "temperature", value: ExpressionText("reading.temperature", line: 6)),
                            ShadowAssignment(key: "valid", value: ExpressionText("true", line: 6)),
                        ]))),
                .shadow(
                    ShadowStep(
                        report: .reading,
                        desire: [ShadowAssignment(key: "mode", value: ExpressionText("'eco'\n", line: 11))])),
            ])
    }

    @Test("are an access of programs too")
    func process() throws {
        let manifest = try ComponentManifest.parse(
            "kind: Component\nname: c\nversion: 1.0.0\naccess: {shadows: read}\nprocess: {run: [a]}\n",
            fileName: "c.yaml")
        #expect(manifest.recipe.access == ComponentAccess(shadows: .read))
        #expect(!manifest.recipe.access.isEmpty && ComponentAccess().shadows == nil)
    }

    @Test(
        "are an access of two kinds",
        arguments: [
            ("all", "4:19: \"all\" is no access to shadows; write read or write"),
            (
                "true",
                "4:19: \"shadows\" has to be a text, but is the truth value true; write it in quotes: \"true\""
            ),
            ("[bme680-1]", "4:19: \"shadows\" has to be a text, but is a list"),
        ])
    func access(value: String, expected: String) {
        // What needs the access is not wrong as well.
        #expect(stepErrors("  - shadow: {report: true}", access: value) == ["c.yaml:\(expected)"])
    }

    @Test(
        "are refused with their place",
        arguments: [
            (
                "  - shadow: {}",
                "6:5: shadow changes nothing; write report: {FIELD: EXPRESSION}, report: true for the reading as it is, or desire: {FIELD: EXPRESSION}"
            ),
            (
                "  - shadow: true",
                "6:13: shadow has to be a mapping (key: value), but is the truth value true"
            ),
            (
                "  - shadow: {reported: {a: 1}, report: true}",
                "6:14: write \"report\""
            ),
            (
                "  - shadow: {report: true, thing: lamp}",
                "6:28: the step changes shadows of the message's thing, and of no other; remove \"thing\""
            ),
            (
                "  - shadow: {report: true, to: lamp}",
                "6:28: shadow has no key \"to\"; known are report, desire, name"
            ),
            (
                "  - shadow: {report: false}",
                "6:22: \"report\" has to be true, which reports all fields of the reading, or a mapping (key: expression), but is the truth value false"
            ),
            (
                "  - shadow: {desire: true}",
                "6:22: \"desire\" has to be a mapping (key: value), but is the truth value true"
            ),
            ("  - shadow: {report: {}}", "6:14: report names nothing; write report: {FIELD: EXPRESSION}"),
            (
                "  - shadow: {report: true, name: ''}",
                "6:34: \"name\" is empty; the classic shadow has none, remove \"name\""
            ),
            (
                "  - shadow: {report: true, name: a b}",
                "6:34: \"a b\" is no name of a shadow; a name has 1 to 64 of the characters A-Z a-z 0-9 : _ -, and the classic shadow has none"
            ),
            (
                "  - shadow: {report: true, name: 7}",
                "6:34: \"name\" has to be a text, but is the number 7; write it in quotes: \"7\""
            ),
            (
                "  - shadow: {report: {a: {b: 1}}}",
                "6:26: the expression of \"a\" has to be a text, but is a mapping"
            ),
            (
                "  - shadow: {report: {a: 1, a: 2}}",
                "6:23: the key \"a\" is there twice; remove one"
            ),
        ])
    func refused(step: String, expected: String) {
        #expect(stepErrors(step) == ["c.yaml:\(expected)"])
    }

    @Test("show the place within an expression")
    func carets() {
        #expect(
            stepErrors("  - shadow: {report: {a: 'reading.t +', b: time}}") == [
                "c.yaml:6:38: unexpected end: a value is missing here\n      - shadow: {report: {a: 'reading.t +', b: time}}\n                                         ^",
                "c.yaml:6:44: a shadow takes JSON values, but this is of type timestamp; write string(…)\n      - shadow: {report: {a: 'reading.t +', b: time}}\n                                               ^~~~",
            ])
        #expect(
            stepErrors("  - where: shadow(topic).version > 1\n  - publish: x", access: "read") == [
                "c.yaml:6:19: the name of a shadow is a text in quotes, such as shadow('env'), and not computed\n      - where: shadow(topic).version > 1\n                      ^~~~~"
            ])
    }

    @Test("want the access that they need")
    func missing() {
        #expect(
            errors("transform:\n- shadow: {report: true}\n- where: shadow('env').version > 1\n- publish: x")
                == [
                    "c.yaml:5:3: the step shadow needs an access that the recipe does not name; add access: {shadows: write}",
                    "c.yaml:6:10: shadow needs an access that the recipe does not name; add access: {shadows: read}\n    - where: shadow('env').version > 1\n             ^~~~~~~~~~~~~",
                ])
        #expect(
            stepErrors("  - shadow: {report: true}", access: "read") == [
                "c.yaml:6:5: the step shadow needs an access that the recipe does not name; write access: {shadows: write}"
            ])
    }

    @Test("are warned of where nothing needs the access")
    func unused() throws {
        let manifest = try ComponentManifest.parse(
            "kind: Component\nname: c\nversion: 1.0.0\naccess: {shadows: write}\ntransform: [{publish: x}]\n",
            fileName: "c.yaml")
        #expect(
            manifest.warnings.map(\.description) == [
                "c.yaml:4:10: no step and no expression uses shadows; remove \"shadows\" from access"
            ])
    }
}
