import Testing
import Transforms

@Suite("Processing of a batch")
struct TransformProcessingTests {
    static let air = ReadingBatch.of(
        .doubles("temperature", [20, 30, 40], unit: "°C"), .doubles("humidity", [50, 60, 70], unit: "%RH"))

    @Test("computes the founding example, column by column")
    func founding() throws {
        let transform = try Transform.of(
            .bind(["cpu": "cpuTemperature(duration(\"8s\"))"]),
            .set(["temperature": "2.0 * reading.temperature - cpu"]), .publish("republish/reading"),
            access: .cpuTemperature)
        let host = FakeHost(newest: 44.92)
        let result = transform.process(Self.air, host: host)
        #expect(result.failures.isEmpty)
        #expect(result.filtered == 0)
        let output = try #require(result.outputs.first)
        #expect(result.outputs.count == 1)
        #expect(output.index == 0)
        #expect(output.rows == [0, 1, 2])
        #expect(output.batch.topic == "republish/reading")
        #expect(output.batch.thing == "t")
        #expect(output.batch.times == Self.air.times)
        let compensated: [Double] = [-5, 15, 35]
        #expect(output.batch.columns[0] == .doubles("temperature", compensated, unit: "°C"))
        #expect(output.batch.columns[1] == Self.air.columns[1])
        // Once for the batch, so that all its rows see the same.
        #expect(host.questions == [.seconds(8)])
    }

    @Test("shows all entries of a set the values from before it")
    func simultaneousSet() throws {
        let transform = try Transform.of(
            .set(["temperature": "reading.humidity", "humidity": "reading.temperature"]), .publish("x"))
        let columns = transform.process(Self.air, host: FakeHost()).outputs[0].batch.columns
        #expect(columns[0] == .doubles("temperature", [50, 60, 70], unit: "°C"))
        #expect(columns[1] == .doubles("humidity", [20, 30, 40], unit: "%RH"))
    }

    @Test("sets units where they are given, and keeps them elsewhere")
    func units() throws {
        let transform = try Transform.of(
            .set([
                FieldAssignment(field: "temperature", value: "reading.temperature + 273.15", unit: "K"),
                FieldAssignment(field: "humidity", value: "reading.humidity", unit: ""),
                FieldAssignment(field: "new", value: "1.0"),
            ]), .publish("x"))
        let columns = transform.process(Self.air, host: FakeHost()).outputs[0].batch.columns
        #expect(columns.map(\.unit) == ["K", "", ""])
        #expect(columns[0].values == .doubles([293.15, 303.15, 313.15]))
        #expect(columns[2].values == .doubles([1, 1, 1]))
    }

    @Test("drops what where does not let pass, and counts it")
    func filter() throws {
        let transform = try Transform.of(.filter("reading.temperature > 25.0"), .publish("hot"))
        let result = transform.process(Self.air, host: FakeHost())
        #expect(result.filtered == 1)
        #expect(result.outputs[0].rows == [1, 2])
        #expect(result.outputs[0].batch.readings.map(\.time) == Array(Self.air.times[1...]))
        #expect(result.failures.isEmpty)
    }

    @Test("fails rows one by one, with causes that name step, field and line, and goes on")
    func failures() throws {
        let batch = ReadingBatch.of(
            .integers("a", [6, 7, 8, 9]), .integers("b", [2, 0, 4, 3], absent: [2]),
            .strings("s", ["x", "y", "z", "w"]))
        let transform = try Transform.of(
            .set([FieldAssignment(field: "q", value: ExpressionText("reading.a / reading.b", line: 7))]),
            .publish("x"), .filter("reading.q == 3 && reading.s > 1.0"), .publish("y"))
        let result = transform.process(batch, host: FakeHost())
        #expect(result.outputs.map(\.rows) == [[0, 3]])
        #expect(result.failures.map(\.row) == [0, 1, 2, 3])
        #expect(result.failures[1].cause.hasPrefix("step 1, set q (line 7): "))
        #expect(result.failures[1].cause.contains("division by zero"))
        #expect(result.failures[2].cause.hasPrefix("step 1, set q (line 7): "))
        #expect(result.failures[2].cause.contains("b"))
        #expect(result.failures[0].cause.hasPrefix("step 3, where: "))
        #expect(result.failures[0].cause == result.failures[3].cause)
        #expect(result.filtered == 0)
        // Distinct faults have distinct causes.
        #expect(Set(result.failures.map(\.cause)).count == 3)
    }

    @Test("fails every row where the host has no answer, with the host's words, and asks once")
    func noHost() throws {
        let transform = try Transform.of(
            .set(["t": "cpuTemperature() + reading.temperature"]), .publish("x"), access: .cpuTemperature)
        let host = FakeHost(newest: nil)
        let result = transform.process(Self.air, host: host)
        #expect(result.outputs.isEmpty)
        #expect(
            Set(result.failures.map(\.cause)) == [
                "step 1, set t: the CPU temperature cannot be read from /none: no such file"
            ])
        #expect(host.questions.count == 1)
    }

    @Test("fails a computed span that is out of range")
    func computedSpan() throws {
        let batch = ReadingBatch.of(.strings("span", ["8s", "1h", "0s", "9s"]))
        let transform = try Transform.of(
            .set(["t": "cpuTemperature(duration(reading.span))"]), .publish("x"), access: .cpuTemperature)
        let host = FakeHost(newest: 45)
        let result = transform.process(batch, host: host)
        #expect(result.outputs[0].rows == [0, 3])
        #expect(result.failures.count == 2)
        #expect(Set(result.failures.map(\.cause)).count == 1)
        #expect(host.questions == [.seconds(8), .seconds(9)])
    }

    @Test("fails rows that are not as declared, in type or unit, and only those that have the field")
    func input() throws {
        let batch = ReadingBatch.of(
            .doubles("t", [1, 2], unit: "K", absent: [1]), .integers("n", [1, 2]),
            .bools("other", [true, false]))
        let declared = [
            InputField(name: "t", type: .double, unit: "°C"), InputField(name: "n", type: .int),
            InputField(name: "absent", type: .string),
        ]
        let result = try Transform.of(.publish("x"), input: declared).process(batch, host: FakeHost())
        #expect(result.failures.map(\.row) == [0])
        #expect(result.failures[0].cause == "input t: the unit is K, declared is °C")
        #expect(result.outputs[0].batch.readings[0].fields.map(\.name) == ["n", "other"])
        let wrong = [InputField(name: "n", type: .double)]
        let second = try Transform.of(.publish("x"), input: wrong).process(batch, host: FakeHost())
        #expect(second.failures.count == 2)
        #expect(second.failures[0].cause == "input n: the value is of type int, declared is double")
    }

    @Test("sends failed samples past every step, unchanged")
    func failedSamples() throws {
        var batch = ReadingBatch.of(.doubles("t", [20, 0, 40], unit: "°C", absent: [1]))
        batch.statuses = [1: RowStatus(.failed, reason: "bus error")]
        batch.traces = [1: "trace"]
        let transform = try Transform.of(
            .filter("reading.t > 30.0"), .set(["t": "reading.t * 2.0", "u": "1.0"]), .publish("x"),
            .publish("y"))
        let result = transform.process(batch, host: FakeHost())
        #expect(result.outputs.map(\.rows) == [[1, 2], [1, 2]])
        let readings = result.outputs[0].batch.readings
        #expect(readings[0].status == RowStatus(.failed, reason: "bus error"))
        #expect(readings[0].fields.isEmpty)
        #expect(readings[0].trace == "trace")
        #expect(readings[1].fields.map(\.value) == [.double(80), .double(1)])
        #expect(readings[1].status == nil)
        #expect(result.filtered == 1)
    }

    @Test("computes topics of failed samples from what they have, and fails those for which it cannot")
    func failedSampleTopics() throws {
        var batch = ReadingBatch.of(.strings("line", ["a", ""], absent: [1]))
        batch.statuses = [1: RowStatus(.failed, reason: "why")]
        let transform = try Transform.of(
            .bind(["l": "reading.line"]), .publish(.computed("thing + \"/\" + topic")),
            .publish(.computed("l")),
            .publish("end"))
        let result = transform.process(batch, host: FakeHost())
        #expect(result.outputs.map(\.batch.topic) == ["t/in", "a", "end"])
        #expect(result.outputs.map(\.rows) == [[0, 1], [0], [0]])
        #expect(result.failures.map(\.row) == [1])
        #expect(result.failures[0].cause.hasPrefix("step 3, publish, failed sample: "))
    }

    @Test("takes what another component failed on as an ordinary reading")
    func deadLetters() throws {
        var batch = ReadingBatch.of(.doubles("t", [1, 2]))
        batch.statuses = [0: RowStatus(.notProcessed, reason: "x: division by zero")]
        let result = try Transform.of(.set(["t": "reading.t + 1.0"]), .publish("x"))
            .process(batch, host: FakeHost())
        #expect(result.outputs[0].batch.columns[0].values == .doubles([2, 3]))
        #expect(result.outputs[0].batch.statuses.isEmpty)
    }

    @Test("cuts the output where a computed topic changes")
    func topicRuns() throws {
        let batch = ReadingBatch.of(.strings("line", ["a", "a", "b", "a", "a+", "", "$x"]))
        let result = try Transform.of(.publish(.computed("reading.line"))).process(batch, host: FakeHost())
        #expect(result.outputs.map(\.batch.topic) == ["a", "b", "a"])
        #expect(result.outputs.map(\.rows) == [[0, 1], [2], [3]])
        #expect(
            result.failures.map(\.cause) == [
                "step 1, publish: the topic contains + or #, which only a topic filter may",
                "step 1, publish: the topic is empty",
                "step 1, publish: the topic begins with $, which is reserved",
            ])
    }

    @Test("cuts the output where a field's type changes")
    func mixedTypes() throws {
        let batch = ReadingBatch.of(
            .bools("isText", [true, true, false, false, true]), .integers("n", [1, 2, 3, 4, 5]))
        let transform = try Transform.of(
            .set(["v": "reading.isText ? dyn(string(reading.n)) : reading.n > 3 ? dyn(null) : dyn(reading.n)"]
            ),
            .set(["w": "reading.v"]), .drop(["isText", "n"]), .publish("x"))
        let result = transform.process(batch, host: FakeHost())
        #expect(result.outputs.map(\.rows) == [[0, 1], [2], [4]])
        #expect(result.failures.map(\.row) == [3])
        #expect(
            result.outputs[0].batch.columns.map(\.values) == [.strings(["1", "2"]), .strings(["1", "2"])])
        #expect(result.outputs[1].batch.columns.map(\.values) == [.integers([3]), .integers([3])])
    }

    @Test("removes a field that becomes null, row by row")
    func nulls() throws {
        let batch = ReadingBatch.of(.doubles("a", [1, 2, 3]), .doubles("b", [1, 2, 3]))
        let transform = try Transform.of(
            .set(["a": "reading.a > 1.5 ? dyn(reading.a) : dyn(null)"]), .set(["b": "null"]),
            .set(["seen": "has(reading.a)", "gone": "has(reading.b)"]), .publish("x"))
        let columns = transform.process(batch, host: FakeHost()).outputs[0].batch.columns
        #expect(columns.map(\.name) == ["a", "seen", "gone"])
        #expect(columns[0].absentRows == [0])
        #expect(columns[1].values == .bools([false, true, true]))
        #expect(columns[2].values == .bools([false, false, false]))
    }

    @Test("fails a reading that has no field left")
    func empty() throws {
        let batch = ReadingBatch.of(.doubles("a", [1, 2], absent: [1]), .doubles("b", [1, 2]))
        let result = try Transform.of(.keep(["a"]), .publish("x")).process(batch, host: FakeHost())
        #expect(result.outputs[0].rows == [0])
        #expect(result.failures.map(\.cause) == ["step 2, publish: no field is left to publish"])
    }

    @Test("turns unsigned numbers into ints, where they fit")
    func unsigned() throws {
        let batch = ReadingBatch.of(.strings("n", ["5", "18446744073709551615"]))
        let result = try Transform.of(.set(["n": "uint(reading.n)"]), .publish("x"))
            .process(batch, host: FakeHost())
        #expect(result.outputs[0].batch.columns[0].values == .integers([5]))
        #expect(result.failures.map(\.row) == [1])
        #expect(result.failures[0].cause.contains("too large for a field"))
    }

    @Test("fails what is of a wrong type only at run time")
    func runTimeTypes() throws {
        let batch = ReadingBatch.of(.strings("s", ["a"]))
        func cause(_ steps: TransformStep...) throws -> String? {
            let result = try Transform(TransformDefinition(steps: steps + [.publish("x")]))
                .process(batch, host: FakeHost())
            #expect(result.outputs.isEmpty)
            return result.failures.first?.cause
        }
        #expect(try cause(.filter("reading.s")) == "step 1, where: the condition is of type string, not bool")
        #expect(try cause(.filter("dyn(1)")) == "step 1, where: the condition is of type int, not bool")
        #expect(
            try cause(.set(["a": "dyn([reading.s])"]))
                == "step 1, set a: a field takes double, int, bool or string, but the value is of type list")
        #expect(
            try cause(.publish(.computed("dyn(1)")))
                == "step 1, publish: the topic is of type int, not string")
    }

    @Test("shares the columns that it does not change")
    func sharing() throws {
        let result = try Transform.of(.set(["t": "reading.temperature + 1.0"]), .publish("x"))
            .process(Self.air, host: FakeHost())
        func address(_ column: ReadingColumn) -> UnsafeRawPointer? {
            guard case .doubles(let values) = column.values else { return nil }
            return values.withUnsafeBytes { $0.baseAddress }
        }
        #expect(address(result.outputs[0].batch.columns[1]) == address(Self.air.columns[1]))
    }

    @Test("does nothing after the last publish")
    func afterPublish() throws {
        let result = try Transform.of(.publish("x"), .filter("1 / 0 > 0")).process(Self.air, host: FakeHost())
        #expect(result.outputs.count == 1)
        #expect(result.failures.isEmpty)
    }

    @Test("takes empty and inconsistent batches without a trap")
    func strange() throws {
        let transform = try Transform.of(.set(["t": "reading.temperature + 1.0"]), .publish("x"))
        let none = transform.process(ReadingBatch(thing: "t", topic: "in", times: []), host: FakeHost())
        #expect(none == TransformResult())
        var broken = Self.air
        broken.columns[0].values = .doubles([1])
        let result = transform.process(broken, host: FakeHost())
        #expect(result.failures.count == 3)
        #expect(result.failures[0].cause.hasPrefix("the batch is inconsistent: "))
        var early = Self.air
        early.times = [.min, .max, 0]
        let times = try Transform.of(.set(["y": "time.getFullYear()"]), .publish("x"))
            .process(early, host: FakeHost())
        #expect(times.failures.map(\.row) == [0, 1])
    }

    @Test("finds fields among many, as they come and go", arguments: [14, 15, 16, 17, 18, 40])
    func manyFields(count: Int) throws {
        var batch = ReadingBatch.of(.doubles("f0", [1, 2]))
        batch.columns = (0..<count).map { .doubles("f\($0)", [Double($0), Double($0) + 0.5]) }
        let transform = try Transform.of(
            .set(["a": "reading.f0", "b": "reading.f13", "f1": "null"]), .drop(["f2"]),
            .set(["c": "reading.b + reading.f12", "f0": "reading.a + 1.0"]), .set(["d": "reading.c"]),
            .publish("x"))
        let result = transform.process(batch, host: FakeHost())
        let columns = try #require(result.outputs.first?.batch.columns)
        #expect(columns.count == count + 2)
        #expect(columns.first == .doubles("f0", [1, 1.5]))
        #expect(columns.suffix(4).map(\.name) == ["a", "b", "c", "d"])
        #expect(columns.last?.values == .doubles([25, 26]))
    }
}
