import Messaging
import Testing
import Transforms

@Suite("The check of a transform")
struct TransformCheckTests {
    @Test("takes the founding example and says what it publishes")
    func founding() throws {
        let transform = try Transform.of(
            .bind(["cpu": "cpuTemperature(duration(\"8s\"))"]),
            .set(["temperature": "2.0 * reading.temperature - cpu"]),
            .publish("republish/reading"), .publish(.computed("\"x/\" + thing")),
            access: .cpuTemperature)
        #expect(
            transform.outputs == [
                TransformOutputDeclaration(
                    index: 0, step: 2, topic: .literal(try Topic("republish/reading"))),
                TransformOutputDeclaration(index: 1, step: 3, topic: .computed),
            ])
        #expect(transform.warnings.isEmpty)
    }

    @Test("finds every problem at once, each with its path")
    func many() {
        let problems = Transform.problems(
            .filter("reading.a +"), .bind(["topic": "1", "9x": "2"]), .set(["": "1.0"]),
            .set([FieldAssignment(field: "a", value: "1.0", unit: "degC")]),
            .keep([]), .drop(["x", "x"]), .publish("a/+"), .publish("$sys/x"))
        #expect(problems.count >= 9)
        let paths = problems.map { $0.prefix { $0 != ":" } }
        for path in [
            "transform[0].where", "transform[1].let.topic", "transform[1].let.9x", "transform[2].set.",
            "transform[3].set.a.unit", "transform[4].keep", "transform[5].drop[1]", "transform[6].publish",
            "transform[7].publish",
        ] {
            #expect(paths.contains(Substring(path)), "\(path)")
        }
    }

    @Test("wants something published, and not too much of anything")
    func counts() {
        #expect(
            Transform.problems(.filter("true"))
                == ["transform: nothing is published; add a step \"publish: TOPIC\""])
        let many = TransformDefinition(steps: Array(repeating: .publish("a"), count: 65))
        #expect(throws: TransformErrors.self) { try Transform(many) }
        let publishes = TransformDefinition(steps: Array(repeating: .publish("a"), count: 17))
        #expect(throws: TransformErrors.self) { try Transform(publishes) }
        #expect(throws: Never.self) {
            try Transform(TransformDefinition(steps: Array(repeating: .publish("a"), count: 16)))
        }
    }

    @Test("knows the types that a field may have")
    func fieldTypes() {
        #expect(
            Transform.problems(.set(["a": "1u", "b": "null", "c": "\"x\"", "d": "true"]), .publish("x")) == []
        )
        for expression in ["[1]", "{\"a\": 1}", "time", "duration(\"1s\")", "b\"x\"", "type(1)"] {
            let problems = Transform.problems(.set(["a": ExpressionText(expression)]), .publish("x"))
            #expect(problems.count == 1, "\(expression)")
            #expect(problems.first?.contains("a field takes double, int, bool or string") == true)
        }
        #expect(Transform.problems(.filter("1.0"), .publish("x")).count == 1)
        #expect(Transform.problems(.publish(.computed("1"))).count == 1)
    }

    @Test("refuses what the recipe has no access to, and says what to add")
    func access() throws {
        let definition = TransformDefinition(steps: [.set(["a": "1.0 + cpuTemperature()"]), .publish("x")])
        #expect(throws: TransformErrors.self) { try Transform(definition) }
        do throws(TransformErrors) {
            _ = try Transform(definition)
        } catch {
            #expect(error.problems.count == 1)
            #expect(error.problems.first?.message.contains("add access: {host: [cpu_temperature]}") == true)
            #expect(error.problems.first?.span == 6..<22)
        }
        #expect(throws: Never.self) { try Transform(definition, access: .cpuTemperature) }
    }

    @Test(
        "refuses a constant span of the CPU temperature that is out of range",
        arguments: ["0s", "999ms", "601s", "-8s", "1h"])
    func span(text: String) {
        let problems = Transform.problems(
            .set(["a": ExpressionText("cpuTemperature(duration(\"\(text)\"))")]), .publish("x"),
            access: .cpuTemperature)
        #expect(problems.count == 1)
        #expect(problems.first?.contains("1 s to 10 min") == true)
    }

    @Test(
        "takes a span of the CPU temperature that is in range",
        arguments: ["1s", "8s", "600s", "10m", "1.5s"])
    func goodSpan(text: String) {
        #expect(
            Transform.problems(
                .set(["a": ExpressionText("cpuTemperature(duration(\"\(text)\"))")]), .publish("x"),
                access: .cpuTemperature) == [])
    }

    @Test("warns of what is there and does nothing")
    func warnings() throws {
        let transform = try Transform.of(
            .bind(["a": "1.0"]), .publish("x"), .drop(["b"]), access: .cpuTemperature)
        #expect(
            transform.warnings.map(\.path) == ["access.host", "transform[0].let.a", "transform[2]"])
    }

    @Test("follows fields from step to step where they are declared")
    func schema() {
        let input = [InputField(name: "a", type: .double), InputField(name: "b", type: .int)]
        #expect(Transform.problems(.set(["c": "reading.a * 2.0"]), .publish("x"), input: input) == [])
        // int and double do not mix.
        #expect(
            Transform.problems(.set(["c": "reading.a * reading.b"]), .publish("x"), input: input).count == 1)
        // What is not declared, is dropped, or is not kept, cannot be named.
        #expect(Transform.problems(.set(["c": "reading.d"]), .publish("x"), input: input).count == 1)
        #expect(
            Transform.problems(.drop(["a"]), .set(["c": "reading.a"]), .publish("x"), input: input).count == 1
        )
        #expect(Transform.problems(.keep(["a"]), .set(["c": "reading.b"]), .publish("x")).count == 1)
        #expect(Transform.problems(.set(["a": "null"]), .keep(["a"]), .publish("x"), input: input).count == 1)
        // What is set can be, with the type that it was given.
        #expect(
            Transform.problems(.set(["d": "1"]), .set(["e": "reading.d + 1"]), .publish("x"), input: input)
                == [])
        #expect(
            Transform.problems(.set(["a": "1"]), .set(["e": "reading.a * 2.0"]), .publish("x"), input: input)
                .count == 1)
        #expect(
            Transform.problems(.keep(["aa"]), .publish("x"), input: [InputField(name: "ab", type: .int)])
                == ["transform[0].keep[0]: there is no field \"aa\" at this step; did you mean \"ab\"?"])
    }

    @Test("shows every entry of a step the values from before it")
    func simultaneous() {
        #expect(Transform.problems(.bind(["a": "1.0", "b": "a + 1.0"]), .publish("x")).count == 1)
        #expect(Transform.problems(.bind(["a": "1.0"]), .bind(["b": "a + 1.0"]), .publish("x")) == [])
    }

    @Test(
        "refuses names that mean something else",
        arguments: [
            "reading", "topic", "thing", "time", "int", "math", "true", "cpuTemperature", "in", "a-b", "",
        ])
    func bindingNames(name: String) {
        #expect(Transform.problems(.bind([LetBinding(name: name, value: "1.0")]), .publish("x")).count >= 1)
    }

    @Test("refuses a name that is bound twice")
    func twice() {
        #expect(
            Transform.problems(.bind(["a": "1.0"]), .bind(["a": "2.0"]), .publish("x"))
                == ["transform[1].let.a: \"a\" is bound by step 1 already; choose another name"])
    }

    @Test("refuses fields that are too many, too long or declared twice")
    func inputs() {
        let many = (0..<257).map { InputField(name: "f\($0)", type: .double) }
        #expect(Transform.problems(.publish("x"), input: many).count == 1)
        let long = String(repeating: "x", count: 129)
        #expect(Transform.problems(.publish("x"), input: [InputField(name: long, type: .double)]).count == 1)
        #expect(
            Transform.problems(
                .publish("x"), input: Array(repeating: InputField(name: "a", type: .int), count: 2)
            )
            .count == 1)
        #expect(
            Transform.problems(.set([FieldAssignment(field: long, value: "1")]), .publish("x")).count == 1)
        #expect(
            Transform.problems(.set([FieldAssignment(field: "a\n", value: "1")]), .publish("x")).count == 1)
    }

    @Test("refuses the reading itself as a value")
    func wholeReading() {
        #expect(Transform.problems(.bind(["r": "reading"]), .publish("x")).count == 1)
        #expect(Transform.problems(.filter("reading == reading"), .publish("x")).count >= 1)
        #expect(Transform.problems(.set(["r": "[reading]"]), .publish("x")).count >= 1)
    }
}
