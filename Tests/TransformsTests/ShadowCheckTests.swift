import Testing
import Transforms

@Suite("The check of what a transform does with shadows")
struct ShadowCheckTests {
    @Test("takes reports, wishes and the whole reading, with nothing published")
    func sound() throws {
        let transform = try Transform.of(
            .filter("!has(shadow().reported) || shadow('env').version > 3"),
            .report(["t": "reading.t", "all": "{'a': [1, 2.0, 'x'], 'gone': null}"], name: "env"),
            .shadow(ShadowStep(name: "A:b_c-1", report: .reading)), .desire(["mode": "'eco'"]),
            shadows: .write)
        #expect(transform.shadows == .write && transform.outputs.isEmpty && transform.warnings.isEmpty)
        #expect(Transform.problems(.filter("shadow().version > 1"), .publish("x"), shadows: .read) == [])
    }

    @Test("wants the access that they need, and says what to write")
    func access() {
        #expect(
            Transform.problems(.report(["t": "1.0"])) == [
                "transform[0].shadow: the step shadow needs an access that the recipe does not name; add access: {shadows: write}"
            ])
        #expect(
            Transform.problems(.report(["t": "1.0"]), shadows: .read) == [
                "transform[0].shadow: the step shadow needs an access that the recipe does not name; write access: {shadows: write}"
            ])
        #expect(
            Transform.problems(.filter("shadow().version > 1"), .publish("x")) == [
                "transform[0].where: shadow needs an access that the recipe does not name; add access: {shadows: read}"
            ])
    }

    @Test("warns of more access than is used")
    func unused() throws {
        #expect(
            try Transform.of(.publish("x"), shadows: .read).warnings.map(\.description) == [
                "access.shadows: no step and no expression uses shadows; remove \"shadows\" from access"
            ])
        #expect(
            try Transform.of(.filter("shadow().version > 1"), .publish("x"), shadows: .write).warnings
                .map(\.description) == ["access.shadows: no step changes shadows; write shadows: read"])
        #expect(try Transform.of(.report(["t": "1.0"]), shadows: .write).warnings.isEmpty)
    }

    @Test("warns of steps after the last that sends something out")
    func order() throws {
        let last = try Transform.of(.publish("x"), .report(["t": "1.0"]), .drop(["a"]), shadows: .write)
        #expect(
            last.warnings.map(\.description) == [
                "transform[2]: the steps after the last shadow do nothing; publish after them or remove them"
            ])
        #expect(try Transform.of(.report(["t": "1.0"]), .publish("x"), shadows: .write).warnings.isEmpty)
    }

    @Test("refuses steps that change nothing")
    func nothing() {
        func problems(_ step: ShadowStep) -> [String] {
            Transform.problems(.shadow(step), .publish("x"), shadows: .write)
        }
        #expect(
            problems(ShadowStep()) == [
                "transform[0].shadow: shadow changes nothing; write report: {FIELD: EXPRESSION}, report: true for the reading as it is, or desire: {FIELD: EXPRESSION}"
            ])
        #expect(
            problems(ShadowStep(report: .values([]), desire: [])) == [
                "transform[0].shadow.report: report names nothing; write report: {FIELD: EXPRESSION}",
                "transform[0].shadow.desire: desire names nothing; write desire: {FIELD: EXPRESSION}",
            ])
    }

    @Test(
        "knows what a shadow can have",
        arguments: [
            ("timestamp(0)", "timestamp; write string(…)"), ("duration('1s')", "duration; write string(…)"),
            ("b'x'", "of type bytes"), ("[time]", "timestamp"),
            ("{1: 2}", "texts, but here they are of type int"),
            ("{'a': {'b': time}}", "timestamp"),
        ])
    func types(expression: String, message: String) {
        let found = Transform.problems(
            .report(["t": ExpressionText(expression)]), .publish("x"), shadows: .write)
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("transform[0].shadow.report.t: ") == true)
        #expect(found.first?.contains(message) == true, "\(found)")
    }

    @Test(
        "knows what a shadow may be called",
        arguments: ["a b", "a/b", "é", "a.b", String(repeating: "x", count: 65)])
    func names(name: String) {
        let step = Transform.problems(.report(["t": "1.0"], name: name), .publish("x"), shadows: .write)
        #expect(step.count == 1)
        #expect(step.first?.hasPrefix("transform[0].shadow.name: \"") == true)
        #expect(step.first?.contains("is no name of a shadow") == true)
        let call = Transform.problems(
            .filter(ExpressionText("shadow('\(name)').version > 1")), .publish("x"), shadows: .read)
        #expect(call.count == 1 && call.first?.contains("is no name of a shadow") == true)
    }

    @Test("wants the name in expressions as it is, not computed")
    func computed() {
        #expect(
            Transform.problems(.filter("shadow(topic).version > 1"), .publish("x"), shadows: .read) == [
                "transform[0].where: the name of a shadow is a text in quotes, such as shadow('env'), and not computed"
            ])
        #expect(
            Transform.problems(.filter("shadow('').version > 1"), .publish("x"), shadows: .read).count == 1)
        #expect(
            Transform.problems(.filter("shadow(1).version > 1"), .publish("x"), shadows: .read).count == 1)
    }

    @Test("refuses keys that are there twice or no names, and finds problems in each value")
    func keys() {
        #expect(
            Transform.problems(
                .report(["a": "1", "a": "2", "": "3", "b": "reading.x +"]), .desire(["c": "nobody"]),
                shadows: .write
            ).map { String($0.prefix { $0 != ":" }) } == [
                "transform[0].shadow.report.a", "transform[0].shadow.report.",
                "transform[0].shadow.report.b", "transform[1].shadow.desire.c",
            ])
    }

    @Test("takes 16 steps")
    func limit() {
        func errors(_ count: Int) -> [String] {
            do throws(TransformErrors) {
                _ = try Transform(
                    TransformDefinition(steps: Array(repeating: .report(["t": "1.0"]), count: count)),
                    shadows: .write)
                return []
            } catch {
                return error.problems.map(\.description)
            }
        }
        #expect(errors(16) == [])
        #expect(
            errors(17) == ["transform: 17 shadow steps are too many; a transform has at most 16"])
    }

    @Test("lets a name be bound that is called like the function")
    func binding() throws {
        // Recipes had it before there was the function.
        let transform = try Transform.of(
            .bind(["shadow": "2.0"]), .set(["a": "shadow"]), .publish("x"))
        #expect(transform.warnings.isEmpty)
    }
}
