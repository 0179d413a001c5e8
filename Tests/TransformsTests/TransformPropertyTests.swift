import TestSupport
import Testing
import Transforms

/// Random batches and transforms; each seed is a case of its own, so that a failure can be repeated.
@Suite("Properties of processing")
struct TransformPropertyTests {
    @Test("a batch in one go, in any split, and row by row is the same", arguments: 0..<150)
    func splits(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        guard let transform = random.transform() else { return }
        let batch = random.batch()
        let host = FakeHost(newest: Bool.random(using: &random) ? 45 : nil)
        let whole = Outcome(transform.process(batch, host: host))
        var rowByRow = Outcome()
        for row in batch.times.indices {
            rowByRow.add(Outcome(transform.process(batch.selecting([row]), host: host), offset: row))
        }
        #expect(whole == rowByRow)
        var split = Outcome()
        var start = 0
        while start < batch.count {
            let end = Int.random(in: start + 1...batch.count, using: &random)
            split.add(
                Outcome(transform.process(batch.selecting(Array(start..<end)), host: host), offset: start))
            start = end
        }
        #expect(whole == split)
    }

    @Test("every row is published, filtered or failed, and outputs are sound", arguments: 200..<350)
    func accounting(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        guard let transform = random.transform() else { return }
        let batch = random.batch()
        let result = transform.process(batch, host: FakeHost())
        let published = Set(result.outputs.flatMap(\.rows))
        let failed = Set(result.failures.map(\.row))
        #expect(failed.count == result.failures.count)
        #expect(published.union(failed).count + result.filtered == batch.count)
        for output in result.outputs {
            #expect(throws: Never.self) { try output.batch.validate() }
            #expect(output.rows.count == output.batch.count)
            #expect(zip(output.rows, output.rows.dropFirst()).allSatisfy { $0 < $1 })
            #expect(output.rows.map { batch.times[$0] } == output.batch.times)
            #expect(output.batch.columns.allSatisfy { $0.absentRows.count < output.batch.count })
            #expect(output.index < transform.outputs.count)
        }
    }

    @Test("keep, drop, where and set follow their algebra", arguments: 400..<450)
    func algebra(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let batch = random.batch()
        func outcome(_ steps: TransformStep...) throws -> Outcome {
            Outcome(
                try Transform(TransformDefinition(steps: steps + [.publish("x")])).process(
                    batch, host: FakeHost()))
        }
        func content(_ outcome: Outcome) -> [Int: String] {
            Dictionary(outcome.sent.map { ($0.row, $0.reading) }, uniquingKeysWith: { first, _ in first })
        }
        // Twice is once.
        #expect(try outcome(.keep(["a", "b"])).sent == outcome(.keep(["a", "b"]), .keep(["a", "b"])).sent)
        #expect(try outcome(.drop(["a"])).sent == outcome(.drop(["a"]), .drop(["a"])).sent)
        // Dropping one after the other is dropping both; order does not matter.
        #expect(try outcome(.drop(["a", "b"])).sent == outcome(.drop(["b"]), .drop(["a"])).sent)
        // What is kept is what is not dropped.
        #expect(try outcome(.keep(["a", "b"])).sent == outcome(.drop(["c", "d", "s"])).sent)
        // Two conditions are their conjunction.
        let first = "has(reading.a) && reading.a > 0.0"
        let second = "has(reading.b) && reading.b > 3"
        #expect(
            try outcome(.filter(ExpressionText(first)), .filter(ExpressionText(second)))
                == outcome(.filter(ExpressionText("\(first) && \(second)"))))
        #expect(try outcome(.filter("true")) == outcome(.keep(["a", "b", "c", "d", "s"])))
        // Setting a field to itself changes nothing, setting it to null drops it.
        let itself: TransformStep = .set(["c": "has(reading.c) ? dyn(reading.c) : dyn(null)"])
        #expect(try content(outcome(itself)) == content(outcome()))
        #expect(try outcome(.set(["c": "null"])).sent == outcome(.drop(["c"])).sent)
    }
}

extension SeededGenerator {
    /// A batch of up to 12 rows with up to five fields, gaps and failed samples.
    mutating func batch() -> ReadingBatch {
        let count = Int.random(in: 0...12, using: &self)
        var batch = ReadingBatch(
            thing: "t", topic: "in", times: (0..<count).map { 1_780_000_000_000_000 + Int64($0) },
            isTimeDoubtful: Bool.random(using: &self))
        let rows = Array(0..<count)
        func gaps(_ random: inout SeededGenerator) -> [Int] {
            let isWhole = Bool.random(using: &random)
            return isWhole ? [] : rows.filter { _ in Int.random(in: 0..<4, using: &random) == 0 }
        }
        let doubles: [Double] = [0, -1.5, 2, 1e300, .infinity, .nan, -0.0]
        let integers: [Int64] = [0, 1, -1, 5, .max, .min, 10]
        let texts = ["", "a", "b", "a/b", "x+", "$y", "21.5"]
        var columns: [ReadingColumn] = []
        for name in ["a", "b", "c", "d", "s"] where Int.random(in: 0..<6, using: &self) > 0 {
            let absent = gaps(&self)
            let values: ReadingColumn.Values
            switch name {
            case "a", "d": values = .doubles(rows.map { _ in doubles.randomElement(using: &self) ?? 0 })
            case "b": values = .integers(rows.map { _ in integers.randomElement(using: &self) ?? 0 })
            case "s": values = .strings(rows.map { _ in texts.randomElement(using: &self) ?? "" })
            default:
                switch Int.random(in: 0..<3, using: &self) {
                case 0: values = .bools(rows.map { _ in Bool.random(using: &self) })
                case 1: values = .integers(rows.map { _ in integers.randomElement(using: &self) ?? 0 })
                default: values = .doubles(rows.map { _ in doubles.randomElement(using: &self) ?? 0 })
                }
            }
            columns.append(
                ReadingColumn(
                    name: name, unit: ["", "°C", "K"].randomElement(using: &self) ?? "", values: values,
                    absentRows: absent))
        }
        batch.columns = columns
        for row in rows where Int.random(in: 0..<6, using: &self) == 0 {
            let isFailed = Bool.random(using: &self)
            batch.statuses[row] = RowStatus(isFailed ? .failed : .notProcessed, reason: "r\(row)")
            // A failed sample has no values.
            if isFailed {
                for index in batch.columns.indices where !batch.columns[index].absentRows.contains(row) {
                    batch.columns[index].absentRows.append(row)
                    batch.columns[index].absentRows.sort()
                }
            }
        }
        for row in rows where Bool.random(using: &self) { batch.traces[row] = "trace-\(row)" }
        return batch
    }

    /// A transform of random steps; nil where they do not fit each other.
    mutating func transform() -> Transform? {
        let numbers = [
            "reading.a", "reading.d * 2.0", "cpuTemperature()", "reading.a + reading.d",
            "double(reading.b) / reading.a", "math.greatest(reading.a, 1.5)", "reading.a / 0.0",
            "cpuTemperature(duration(\"8s\")) - reading.a", "double(reading.s)", "dyn(reading.c)",
            "has(reading.c) ? dyn(reading.c) : dyn(null)", "reading.b / (reading.b - 1)", "reading.b + 1",
            "reading.s + topic", "reading.missing", "size(reading.s)", "uint(reading.b)", "null",
            "time.getSeconds()",
            "has(reading.a) ? dyn(\"x\") : dyn(1.5)", "n", "n * 2.0", "[reading.a][0]",
        ]
        let conditions = [
            "reading.a > 0.0", "has(reading.a)", "reading.c", "reading.b % 2 == 0", "reading.s != \"a\"",
            "reading.a > 0.0 || has(reading.s)", "true", "reading.missing == 1", "\"a\" in reading", "1 > 2",
        ]
        let names = ["a", "b", "c", "d", "s", "e"]
        var steps: [TransformStep] = []
        if Bool.random(using: &self) {
            steps.append(.bind(["n": ExpressionText(numbers.prefix(9).randomElement(using: &self) ?? "1.0")]))
        }
        for _ in 0..<Int.random(in: 1...6, using: &self) {
            switch Int.random(in: 0..<6, using: &self) {
            case 0: steps.append(.filter(ExpressionText(conditions.randomElement(using: &self) ?? "true")))
            case 1, 2:
                let fields = names.shuffled(using: &self).prefix(Int.random(in: 1...3, using: &self))
                steps.append(
                    .set(
                        fields.map { field in
                            FieldAssignment(
                                field: field,
                                value: ExpressionText(numbers.randomElement(using: &self) ?? "1"),
                                unit: Bool.random(using: &self) ? "hPa" : nil)
                        }))
            case 3: steps.append(.drop([names.randomElement(using: &self) ?? "a"]))
            case 4: steps.append(.publish(.computed("has(reading.s) ? string(reading.s) : \"no/text\"")))
            default: steps.append(.publish("x/y"))
            }
        }
        steps.append(.publish("end"))
        do throws(TransformErrors) {
            return try Transform(TransformDefinition(steps: steps), access: .cpuTemperature)
        } catch {
            return nil
        }
    }
}
