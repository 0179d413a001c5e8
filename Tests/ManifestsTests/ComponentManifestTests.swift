import Components
import Manifests
import Messaging
import Testing
import Transforms

@Suite("Component files")
struct ComponentManifestTests {
    static let compensate = """
        kind: Component
        name: compensate-temperature
        version: 1.0.0
        description: corrects
        input:
          temperature: {type: double, unit: °C}
          humidity: double
        transform:
          - let: {cpu: 'cpuTemperature(duration("8s"))'}
          - where: reading.temperature > -40.0
          - set:
              temperature: {value: 2.0 * reading.temperature - cpu, unit: K}
              valid: true
          - keep: [temperature, valid]
          - drop: [valid]
          - publish: republish/reading
          - publish: {topic: '"x/" + thing'}
        access: {host: [cpu_temperature]}
        """

    static let steps: [TransformStep] = [
        .bind([LetBinding(name: "cpu", value: ExpressionText("cpuTemperature(duration(\"8s\"))", line: 9))]),
        .filter(ExpressionText("reading.temperature > -40.0", line: 10)),
        .set([
            FieldAssignment(
                field: "temperature", value: ExpressionText("2.0 * reading.temperature - cpu", line: 12),
                unit: "K"),
            FieldAssignment(field: "valid", value: ExpressionText("true", line: 13)),
        ]),
        .keep(["temperature", "valid"]), .drop(["valid"]), .publish(.literal("republish/reading")),
        .publish(.computed(ExpressionText("\"x/\" + thing", line: 17))),
    ]

    func errors(_ text: String) -> [String] {
        do {
            _ = try ComponentManifest.parse(text, fileName: "c.yaml")
            return []
        } catch {
            return error.errors.map(\.description)
        }
    }

    /// The errors of steps, in a recipe whose steps begin on line 5.
    func stepErrors(_ steps: String) -> [String] {
        errors("kind: Component\nname: c\nversion: 1.0.0\ntransform:\n\(steps)\n")
    }

    @Test("are read from YAML")
    func yaml() throws {
        let manifest = try ComponentManifest.parse(Self.compensate, fileName: "c.yaml")
        #expect(
            manifest.recipe
                == Recipe(
                    name: "compensate-temperature", version: try SemanticVersion(parsing: "1.0.0"),
                    description: "corrects", access: ComponentAccess(host: .cpuTemperature),
                    work: .transform(
                        TransformDefinition(
                            input: [
                                InputField(name: "temperature", type: .double, unit: "°C"),
                                InputField(name: "humidity", type: .double),
                            ], steps: Self.steps))))
        #expect(manifest.transform?.outputs.count == 2)
        #expect(manifest.work.outputs == [.literal(try Topic("republish/reading")), .computed])
        #expect(manifest.text == Self.compensate)
        #expect(manifest.warnings == [])
    }

    @Test("are read from JSON, the same")
    func json() throws {
        let text = """
            {"kind": "Component", "name": "c", "version": "1.0.0",
             "transform": [
               {"set": {"t": "2.0 * reading.t", "label": "\\"a\\" + \\"\\u00b5\\""}},
               {"where": "reading.t > 1.0"},
               {"publish": "x"}]}
            """
        let manifest = try ComponentManifest.parse(text, fileName: "c.json")
        #expect(manifest.recipe.transform?.steps.count == 3)
        #expect(
            manifest.recipe.transform?.steps.first
                == .set([
                    FieldAssignment(field: "t", value: ExpressionText("2.0 * reading.t", line: 3)),
                    FieldAssignment(field: "label", value: ExpressionText("\"a\" + \"µ\"", line: 3)),
                ]))
    }

    @Test("take numbers and truth values as expressions without quotes")
    func scalars() throws {
        let manifest = try ComponentManifest.parse(
            "kind: Component\nname: c\nversion: 1.0.0\ntransform:\n- where: true\n- set: {a: 2.5, b: 3, c: null}\n"
                + "- publish: x\n", fileName: "c")
        #expect(
            manifest.recipe.transform?.steps[1]
                == .set([
                    FieldAssignment(field: "a", value: ExpressionText("2.5", line: 6)),
                    FieldAssignment(field: "b", value: ExpressionText("3", line: 6)),
                    FieldAssignment(field: "c", value: ExpressionText("null", line: 6)),
                ]))
    }

    @Test("are refused with every error and its place")
    func manyErrors() {
        let text = """
            kind: Component
            nam: c
            version: 1.0
            description: 5
            process: {run: x}
            input:
              a: float
              b: {type: int, unit: degC, note: x}
            transform:
              - wher: true
              - window: {size: 10s}
              - set: {a: }
              - set: {a: {unit: K}}
              - keep: a
              - publish: 5
              - publish: {topc: x}
              - let: {a: 1.0}
                publish: x
              - {}
              - publish
            access: {host: [cpu_temprature], files: [x]}
            """
        #expect(
            errors(text) == [
                "c.yaml:1:1: a component lacks \"name\"; add it",
                "c.yaml:2:1: a component has no key \"nam\"; did you mean \"name\"?",
                "c.yaml:3:10: \"1.0\" is not a version: it has to have three numbers; write MAJOR.MINOR.PATCH, such as 1.0.0 "
                    + "or 2.1.0-beta.1",
                "c.yaml:4:14: \"description\" has to be a text, but is the number 5; write it in quotes: \"5\"",
                "c.yaml:5:1: a component has either \"transform\" or \"process\"; remove one",
                "c.yaml:7:6: there is no type \"float\"; did you mean \"double\"?",
                "c.yaml:8:30: a field of input has no key \"note\"; known are type, unit",
                "c.yaml:10:5: there is no step \"wher\"; did you mean \"where\"?",
                "c.yaml:11:5: the step \"window\" is not in this version; steps are where, let, set, keep, drop, "
                    + "shadow, publish",
                "c.yaml:12:14: the expression of \"a\" is missing; write one, such as 2.0 * x",
                "c.yaml:13:14: a field of set lacks \"value\"; add it",
                "c.yaml:14:11: \"keep\" has to be a list, but is the text \"a\"",
                "c.yaml:15:14: the topic of \"publish\" has to be a text, but is the number 5; write it in quotes: "
                    + "\"5\"",
                "c.yaml:16:14: publish lacks \"topic\"; add it",
                "c.yaml:16:15: publish has no key \"topc\"; did you mean \"topic\"?",
                "c.yaml:18:5: a step has one key, and \"publish\" is one more than \"let\"; begin a step of its own "
                    + "with a dash",
                "c.yaml:19:5: the step is empty; write one of where, let, set, keep, drop, shadow, publish",
                "c.yaml:20:5: a step has to be a mapping (key: value), but is the text \"publish\"",
                "c.yaml:21:17: there is no host access \"cpu_temprature\"; did you mean \"cpu_temperature\"?",
                "c.yaml:21:34: access to files is named by path; write \"read\" or \"write\"",
            ])
    }

    @Test("are not called wrong for what only follows from another error")
    func consequences() {
        #expect(
            stepErrors("- lett: {a: '1.0'}\n- where: a > 0.5\n- publish: x")
                == ["c.yaml:5:3: there is no step \"lett\"; did you mean \"let\"?"])
        #expect(
            stepErrors("- let: {a: [1]}\n- set: {b: {unit: K}}\n- where: a + reading.b > 0.5\n- publsh: x")
                .count == 3)
        #expect(
            errors(
                "kind: Component\nname: c\nversion: 1.0.0\ninput: {a: flot}\ntransform:\n"
                    + "- where: cpuTemperature() > reading.a\n- publish: x\naccess: {host: [cpu]}\n"
            ).count == 2)
    }

    @Test("are refused with the place of what is wrong in their meaning")
    func meaning() {
        let text = """
            kind: Component
            name: c d
            version: 1.0.0
            input:
              temperature: {type: double, unit: hpa}
            transform:
              - let: {topic: 1.0}
              - keep: [temperatur]
              - set: {x: {value: 1.0, unit: degC}}
              - publish: a/#
              - publish: $sys
            """
        let found = errors(text)
        let places = found.map { $0.split(separator: ":").prefix(3).joined(separator: ":") }
        #expect(
            places == [
                "c.yaml:2:7", "c.yaml:5:37", "c.yaml:7:11", "c.yaml:8:12", "c.yaml:9:33", "c.yaml:10:14",
                "c.yaml:11:14",
            ])
        #expect(found[1].hasSuffix("the unit \"hpa\" is not known; did you mean \"hPa\"?"))
        #expect(
            found[3].hasSuffix("there is no field \"temperatur\" at this step; did you mean \"temperature\"?")
        )
        #expect(found[4].hasSuffix("the unit \"degC\" is not known; did you mean \"°C\"?"))
    }

    @Test("say what has an access that nothing uses")
    func warnings() throws {
        let text =
            "kind: Component\nname: c\nversion: 1.0.0\ntransform:\n- publish: x\n- drop: [a]\n"
            + "access: {host: [cpu_temperature]}\n"
        let manifest = try ComponentManifest.parse(text, fileName: "c.yaml")
        #expect(
            manifest.warnings.map(\.description) == [
                "c.yaml:7:10: no expression uses \"cpu_temperature\"; remove it from access",
                "c.yaml:6:3: the steps after the last publish do nothing; publish after them or remove them",
            ])
    }

    @Test("that are something else say so")
    func kinds() {
        #expect(
            errors("kind: Group\nname: g\ncores: [c]\n")
                == ["c.yaml:1:7: this is a group, not a component; apply it with hedgerow apply -f FILE"])
        #expect(
            errors("kind: Thing\n")
                == ["c.yaml:1:7: the kind \"Thing\" is not known; a recipe says kind: Component"])
        #expect(errors("name: c\n") == ["c.yaml:1:1: the manifest lacks \"kind\"; write kind: Component"])
        #expect(errors("- a\n").first?.contains("a manifest has to be a mapping") == true)
        #expect(errors("") == ["c.yaml:1:1: the file is empty; write a recipe, such as kind: Component"])
        let two = "kind: Component\n---\nkind: Component\n"
        #expect(errors(two).count == 1)
        #expect(
            errors(two).first?.hasPrefix("c.yaml:3:1: the file holds 2 documents; a recipe is one") == true)
    }

    @Test("with && and * in expressions are no bombs of aliases")
    func noAliases() {
        #expect(
            stepErrors("- where: reading.a>1.0&&reading.b>2.0\n- set: {c: 2.0 *reading.b}\n- publish: x")
                == [])
    }

    @Test(
        "say where keys of programs belong",
        arguments: ["hooks", "function", "environment", "health", "memory", "timeout", "run", "limits"])
    func misplacedKeys(key: String) {
        let found = errors(
            "kind: Component\nname: c\nversion: 1.0.0\n\(key): {}\ntransform: [{publish: x}]\n")
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("c.yaml:4:1: ") == true)
        #expect(found.first?.contains("\"process\"") == true || found.first?.contains("onDemand") == true)
    }

    @Test(
        "say which steps are not in this version",
        arguments: ["window", "deadband", "throttle", "append"])
    func laterSteps(step: String) {
        #expect(
            stepErrors("- \(step): {}\n- publish: x") == [
                "c.yaml:5:3: the step \"\(step)\" is not in this version; steps are where, let, set, keep, drop, "
                    + "shadow, publish"
            ])
    }
}
