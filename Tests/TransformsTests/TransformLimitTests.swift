import Testing
import Transforms

@Suite("Limits of processing", .timeLimit(.minutes(5)))
struct TransformLimitTests {
    @Test("fail a text over 64 KiB")
    func text() throws {
        let batch = ReadingBatch.of(.strings("s", [String(repeating: "x", count: 40_000), "y"]))
        let result = try Transform.of(.set(["s": "reading.s + reading.s"]), .publish("x"))
            .process(batch, host: FakeHost())
        #expect(result.failures.map(\.cause) == ["step 1, set s: the text is longer than 65536 bytes"])
        #expect(result.outputs[0].batch.columns[0].values == .strings(["yy"]))
    }

    @Test("fail a reading of more than 256 fields")
    func fields() throws {
        let columns = (0..<256).map { ReadingColumn.doubles("f\($0)", [1, 2], absent: $0 == 0 ? [0] : []) }
        var batch = ReadingBatch.of(columns[0])
        batch.columns = columns
        let result = try Transform.of(.set(["more": "1.0"]), .publish("x")).process(batch, host: FakeHost())
        #expect(result.failures.map(\.row) == [1])
        #expect(result.failures[0].cause == "step 2, publish: the reading has more than 256 fields")
        #expect(result.outputs[0].batch.columns.count == 256)
    }

    @Test("cut an output that is too large for one batch")
    func size() throws {
        let text = String(repeating: "x", count: 60_000)
        let batch = ReadingBatch.of(.strings("s", Array(repeating: "s", count: 23)))
        let result = try Transform.of(
            .set(["s": ExpressionText("reading.s + \"\(text.prefix(8_000))\"")]),
            .set(["s": "reading.s + reading.s + reading.s + reading.s + reading.s + reading.s"]),
            .publish("x")
        ).process(batch, host: FakeHost())
        #expect(result.failures.isEmpty)
        #expect(result.outputs.count > 1)
        #expect(result.outputs.flatMap(\.rows) == Array(0..<23))
        for output in result.outputs {
            let bytes = output.batch.readings.reduce(0) { sum, reading in
                sum
                    + reading.fields.reduce(0) {
                        if case .string(let text) = $1.value { $0 + text.utf8.count } else { $0 }
                    }
            }
            #expect(bytes <= TransformLimits.batchBytes)
        }
    }

    @Test("fail rows whose texts would take too much memory together")
    func memory() throws {
        let text = String(repeating: "x", count: 60_000)
        let batch = ReadingBatch.of(.strings("s", Array(repeating: text, count: 1_000)))
        let result = try Transform.of(.set(["t": "reading.s"]), .drop(["s"]), .publish("x"))
            .process(batch, host: FakeHost())
        #expect(!result.failures.isEmpty)
        #expect(Set(result.failures.map(\.cause)).allSatisfy { $0.contains("8 MiB") })
        #expect(result.outputs.flatMap(\.rows).count + result.failures.count == 1_000)
    }

    @Test("fail rows beyond what one batch may publish")
    func published() throws {
        let text = String(repeating: "x", count: 1_000)
        let batch = ReadingBatch.of(.strings("s", Array(repeating: text, count: 1_000)))
        let steps = Array(repeating: TransformStep.publish("x"), count: 16)
        let half = try Transform(TransformDefinition(steps: steps)).process(batch, host: FakeHost())
        #expect(half.failures.isEmpty)
        let big = ReadingBatch.of(.strings("s", Array(repeating: text + text, count: 1_000)))
        let result = try Transform(TransformDefinition(steps: steps)).process(big, host: FakeHost())
        #expect(!result.failures.isEmpty)
        #expect(result.failures[0].cause.contains("16 MiB"))
    }

    @Test("cut causes that are too long, to one line")
    func causes() throws {
        struct Verbose: TransformHost {
            func cpuTemperature(over span: Duration?) throws(HostFailure) -> Double {
                throw HostFailure(String(repeating: "é\n", count: 300))
            }
        }
        let result = try Transform.of(
            .set(["t": "cpuTemperature()"]), .publish("x"), access: .cpuTemperature
        ).process(ReadingBatch.of(.doubles("a", [1])), host: Verbose())
        let cause = try #require(result.failures.first?.cause)
        #expect(cause.utf8.count <= TransformLimits.causeBytes)
        #expect(!cause.contains { $0.isNewline })
    }

    @Test("end an expression that costs too much")
    func cost() throws {
        let batch = ReadingBatch.of(.strings("s", [String(repeating: "x", count: 60_000)]))
        let result = try Transform.of(
            .set(["n": "size(reading.s + reading.s + reading.s + reading.s + reading.s)"]), .publish("x")
        ).process(batch, host: FakeHost())
        #expect(result.failures.count == 1)
    }

    /// Recipes whose single evaluations are allowed, and whose batch would take minutes.
    @Test(
        "end a batch that takes too much work",
        arguments: [
            "reading.s.matches(\"(x?){500}y\")", "reading.s.matches(reading.p)",
            "[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, "
                + "[1,2,3,4,5,6,7,8,9].all(d, a + b + d + int(reading.n) > 0)))",
        ])
    func work(_ source: String) throws {
        let batch = ReadingBatch.of(
            .strings("s", Array(repeating: String(repeating: "x", count: 50), count: 1_000)),
            .strings("p", Array(repeating: "(x?){300}(x?){300}(x?){300}y", count: 1_000)),
            .doubles("n", Array(repeating: 1, count: 1_000)))
        let steps = (0..<62).map { TransformStep.set(["f\($0)": ExpressionText(source)]) }
        let transform = try Transform(
            TransformDefinition(steps: [.publish("first")] + steps + [.publish("last")]))
        let result = transform.process(batch, host: FakeHost())
        #expect(result.outputs.first?.rows == Array(0..<1_000))
        #expect(
            Set(result.failures.map { String($0.cause.drop { $0 != ":" }) }) == [
                ": the batch took more than 4194304 units of work; use fewer or simpler expressions, "
                    + "or send fewer readings at once"
            ])
        #expect(result.failures.allSatisfy { $0.cause.hasPrefix("step ") })
    }

    @Test("publish the rows before the one at which the work of a batch ends")
    func workBefore() throws {
        let text = String(repeating: "x", count: 10_000)
        let batch = ReadingBatch.of(.strings("s", Array(repeating: text, count: 1_000)))
        let result = try Transform.of(.set(["n": "size(reading.s)"]), .drop(["s"]), .publish("x"))
            .process(batch, host: FakeHost())
        #expect(result.outputs.flatMap(\.rows) == Array(0..<419))
        #expect(result.failures.map(\.row) == Array(419..<1_000))
        #expect(Set(result.failures.map(\.cause)).count == 1)
        #expect(result.failures[0].cause.hasPrefix("step 1, set n: the batch took more than 4194304 units"))
    }

    @Test("leave ordinary transforms far below the work of a batch")
    func ordinaryWork() throws {
        let batch = ReadingBatch.of(
            .doubles("t", Array(repeating: 21.5, count: 1_000)),
            .strings("mode", Array(repeating: "press-7", count: 1_000)))
        let step = TransformStep.set([
            "t": "reading.t > 100.0 ? 100.0 : math.round(reading.t * 10.0) / 10.0",
            "mode": "reading.mode.matches(\"^[a-z]+-[0-9]+$\") ? reading.mode : \"other\"",
            "text": "\"%.1f °C\".format([reading.t])",
        ])
        let result = try Transform.of(step, step, .publish("x")).process(batch, host: FakeHost())
        #expect(result.failures.isEmpty)
    }

    @Test("cut an output whose rows have more than 256 fields together")
    func wide() throws {
        let names = (0..<300).map { "f\($0)" }
        var batch = ReadingBatch.of(.doubles("f0", [1, 2, 3]))
        // Each row has 150 of them: the first and the last the same.
        batch.columns = names.enumerated().map { index, name in
            .doubles(name, [1, 2, 3], absent: index < 150 ? [1] : [0, 2])
        }
        let result = try Transform.of(.publish("x")).process(batch, host: FakeHost())
        #expect(result.failures.isEmpty)
        #expect(result.outputs.map(\.rows) == [[0], [1], [2]])
        #expect(result.outputs.allSatisfy { $0.batch.columns.count == 150 })
    }
}
