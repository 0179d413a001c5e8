import Expressions
import Shadows
import TestSupport
import Testing
import Transforms

@Suite("Shadows in processing")
struct ShadowProcessingTests {
    private typealias Update = TransformResult.ShadowUpdate

    @Test("get the last value of each key, in one update of the whole batch")
    func newest() throws {
        let transform = try Transform.of(
            .report(["t": "2.0 * reading.t", "n": "reading.n", "ok": "true", "label": "'x'"]),
            .publish("out"),
            shadows: .write)
        let result = transform.process(
            .of(.doubles("t", [1, 2, 3]), .integers("n", [7, 8, 9])), host: FakeHost())
        #expect(
            result.shadows == [
                Update(
                    name: "",
                    reported: ["t": .double(6), "n": .int(9), "ok": .bool(true), "label": .string("x")],
                    rows: [0, 1, 2])
            ])
        // The messages go on.
        #expect(result.outputs.map(\.rows) == [[0, 1, 2]] && result.failures.isEmpty && result.filtered == 0)
    }

    @Test("get the reading as it is, where they are to have all of it")
    func whole() throws {
        let transform = try Transform.of(
            .set(["u": "1.5"]), .shadow(ShadowStep(report: .reading)), shadows: .write)
        let batch = ReadingBatch.of(
            .doubles("t", [1, 2, 3], absent: [2]), .strings("s", ["a", "b", ""], absent: [0, 2]),
            .integers("n", [1, 2, 3], absent: [1]), .bools("b", [true, false, true]))
        let result = transform.process(batch, host: FakeHost())
        // A field that a later reading lacks keeps the value that an earlier one had.
        #expect(
            result.shadows == [
                Update(
                    name: "",
                    reported: [
                        "t": .double(2), "s": .string("b"), "n": .int(3), "b": .bool(true), "u": .double(1.5),
                    ], rows: [0, 1, 2])
            ])
        #expect(result.outputs.isEmpty && result.filtered == 0)
    }

    @Test("of several names get what is theirs, and wishes beside reports")
    func names() throws {
        let transform = try Transform.of(
            .report(["a": "reading.t"], name: "one"), .desire(["mode": "'eco'"], name: "two"),
            .filter("reading.t < 2.0"), .report(["a": "null", "b": "3u"], name: "one"), shadows: .write)
        let result = transform.process(.of(.doubles("t", [1, 2])), host: FakeHost())
        // Row by row: the second row reports after the first, and goes no further.
        #expect(
            result.shadows == [
                Update(name: "one", reported: ["a": .double(2), "b": .int(3)], rows: [0, 1]),
                Update(name: "two", reported: [:], desired: ["mode": .string("eco")], rows: [0, 1]),
            ])
        // Within a row the later step counts.
        let first = transform.process(.of(.doubles("t", [1])), host: FakeHost())
        #expect(first.shadows.first?.reported == ["a": .null, "b": .int(3)])
        #expect(result.filtered == 0)
    }

    @Test(
        "are changed by what a row reported before it failed, and by nothing of a row that fails in the step")
    func failures() throws {
        let transform = try Transform.of(
            .report(["t": "reading.t"]), .report(["q": "10 / reading.n", "r": "reading.n"]),
            .filter("reading.s"), .publish("x"), shadows: .write)
        let result = transform.process(
            .of(
                .doubles("t", [1, 2, 3]), .integers("n", [5, 2, 0]), .strings("s", ["a", "b", "c"])),
            host: FakeHost())
        #expect(
            result.shadows == [
                Update(name: "", reported: ["t": .double(3), "q": .int(5), "r": .int(2)], rows: [0, 1, 2])
            ])
        #expect(result.failures.map(\.row) == [0, 1, 2])
        #expect(result.failures[2].cause == "step 2, shadow report q: division by zero")
    }

    @Test(
        "have no value that JSON does not have",
        arguments: [
            (
                "dyn(1.0 / reading.zero)",
                "the number is not finite (NaN or infinity), which a shadow cannot have"
            ),
            ("1.0 / reading.zero", "the number is not finite (NaN or infinity), which a shadow cannot have"),
            ("dyn(time)", "a shadow takes JSON values, but the value is of type timestamp"),
            ("[1, null]", "a list in a shadow has no null, but this one does"),
            ("[dyn(reading.zero), null]", "a list in a shadow has no null, but this one does"),
            (
                "{dyn(int(reading.zero)): 1}",
                "the keys of a map in a shadow are texts, but this one is of type int"
            ),
            (
                "18446744073709551615u",
                "the unsigned number is too large for a shadow (over 9223372036854775807)"
            ),
        ])
    func values(expression: String, reason: String) throws {
        let transform = try Transform.of(.report(["v": ExpressionText(expression)]), shadows: .write)
        let result = transform.process(.of(.doubles("zero", [0, 0])), host: FakeHost())
        #expect(result.shadows.isEmpty)
        #expect(
            result.failures.map(\.cause) == Array(repeating: "step 1, shadow report v: \(reason)", count: 2))
    }

    @Test("take no reading with a field that is not finite")
    func notFinite() throws {
        let transform = try Transform.of(.shadow(ShadowStep(report: .reading)), shadows: .write)
        let result = transform.process(
            .of(.doubles("t", [1, .nan, .infinity, 4], absent: [2])), host: FakeHost())
        #expect(result.shadows == [Update(name: "", reported: ["t": .double(4)], rows: [0, 3])])
        #expect(
            result.failures.map(\.cause) == [
                "step 1, shadow t: the number is not finite (NaN or infinity), which a shadow cannot have"
            ])
        // A reading without fields says nothing.
        #expect(result.filtered == 1)
    }

    @Test("take no more of one reading than they can have")
    func size() throws {
        let transform = try Transform.of(.shadow(ShadowStep(report: .reading)), shadows: .write)
        let texts = [String(repeating: "a", count: 30_000), String(repeating: "b", count: 30_720), "c"]
        let result = transform.process(.of(.strings("s", texts)), host: FakeHost())
        #expect(result.failures.map(\.row) == [1])
        #expect(result.failures[0].cause.contains("more than 30720 bytes, the most that a shadow has"))
        #expect(result.shadows == [Update(name: "", reported: ["s": .string("c")], rows: [0, 2])])
    }

    @Test("hear nothing of failed samples")
    func failedSamples() throws {
        var batch = ReadingBatch.of(.doubles("t", [1, 0], absent: [1]))
        batch.statuses[1] = RowStatus(.failed, reason: "sensor gone")
        let transform = try Transform.of(.report(["t": "1.0"]), .publish("x"), shadows: .write)
        let result = transform.process(batch, host: FakeHost())
        #expect(result.shadows.map(\.rows) == [[0]])
        #expect(result.outputs.map(\.rows) == [[0, 1]])
    }

    // MARK: Maps

    @Test("are changed by one update after the other where one cannot say it")
    func splits() throws {
        // A map after something else begins anew; a map after a map is merged into it.
        let transform = try Transform.of(
            .report(["v": "reading.n == 1 ? dyn({'a': 1}) : reading.n == 2 ? dyn({'b': null}) : dyn(0)"]),
            shadows: .write)
        func updates(_ rows: [Int64]) -> [Update] {
            transform.process(.of(.integers("n", rows)), host: FakeHost()).shadows
        }
        let both: Value = .map(ValueMap(["a": .int(1), "b": .null]))
        #expect(updates([1, 2]) == [Update(name: "", reported: ["v": both], rows: [0, 1])])
        #expect(
            updates([1, 0, 2]) == [
                Update(name: "", reported: ["v": .int(0)], rows: [0, 1]),
                Update(name: "", reported: ["v": .map(ValueMap(["b": .null]))], rows: [2]),
            ])
    }

    @Test("come to the same as row by row, with and without maps", arguments: 0..<200)
    func sameAsRowByRow(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let values = [
            "dyn(reading.n)", "dyn(null)", "dyn({'x': reading.n})", "dyn({'x': null})", "dyn({})",
            "dyn({'y': {'z': reading.n}})", "dyn({'y': {'z': null, 'w': 1}})", "dyn({'y': {}})",
            "dyn('text')",
            "dyn({'x': null, 'y': reading.n})", "dyn([reading.n])",
        ]
        /// One of the values, by what a field says.
        func expression(_ field: String) -> ExpressionText {
            var text = "dyn(true)"
            for (index, value) in values.enumerated() {
                text = "reading.\(field) == \(index) ? \(value) : \(text)"
            }
            return ExpressionText(text)
        }
        let transform = try Transform.of(
            .report(["a": expression("k"), "b": "reading.n"]), .filter("reading.n % 3 != 0"),
            .report(["a": expression("l")]), .desire(["a": expression("l")]), shadows: .write)
        // Some histories have no maps.
        let most = Bool.random(using: &random) ? values.count : 1
        func numbers() -> [Int64] { (0..<12).map { _ in Int64.random(in: 0..<Int64(most), using: &random) } }
        let batch = ReadingBatch.of(
            .integers("k", numbers()), .integers("l", numbers()), .integers("n", Array(1...12)))
        let whole = transform.process(batch, host: FakeHost())
        #expect(whole.failures.isEmpty)
        if most == 1 { #expect(whole.shadows.count == 1) }
        #expect(Set(whole.shadows.flatMap(\.rows)) == Set(0..<12))
        let rowByRow = batch.times.indices.flatMap { row in
            transform.process(batch.selecting([row]), host: FakeHost()).shadows
        }
        for start in ["{}", #"{"a": {"x": 5, "q": 1, "y": {"z": 0}}}"#, #"{"a": 7}"#] {
            let document = try JSONValue(parsing: start)
            for section in [\Update.reported, \Update.desired] {
                let one = whole.shadows.reduce(document) { $0.merging(json($1[keyPath: section])) }
                let other = rowByRow.reduce(document) { $0.merging(json($1[keyPath: section])) }
                #expect(one.isSame(as: other), "seed \(seed): \(one.text) instead of \(other.text)")
            }
        }
    }

    private func json(_ members: [String: Value]) -> JSONValue { .object(members.mapValues(json)) }

    private func json(_ value: Value) -> JSONValue {
        switch value {
        case .bool(let flag): .bool(flag)
        case .int(let number): .integer(number)
        case .double(let number): .number(number)
        case .string(let text): .string(text)
        case .list(let elements): .array(elements.map(json))
        case .map(let map):
            .object(
                Dictionary(uniqueKeysWithValues: map.entries.map { (text(of: $0.key), json($0.value)) }))
        default: .null
        }
    }

    private func text(of key: Value) -> String { if case .string(let text) = key { text } else { "" } }

    // MARK: shadow()

    private let host = FakeHost(shadows: [
        "t/": ValueMap([
            "version": .int(7), "reported": .map(ValueMap(["high": .double(30)])),
        ]),
        "t/env": ValueMap(["version": .int(2), "desired": .map(ValueMap(["mode": .string("eco")]))]),
        "other/": ValueMap(["version": .int(99)]),
    ])

    @Test("are read in expressions, those of the message's thing and no other")
    func reading() throws {
        let transform = try Transform.of(
            .filter("reading.t > shadow().reported.high"),
            .set(["v": "shadow().version", "mode": "shadow('env').desired.mode"]),
            .set(["none": "size(shadow('nobody')) == 0 && !has(shadow('nobody').reported)"]), .publish("x"),
            shadows: .read)
        let result = transform.process(.of(.doubles("t", [10, 31, 40])), host: host)
        #expect(result.failures.isEmpty)
        let fields = result.outputs.first?.batch.reading(at: 0)?.fields ?? []
        #expect(
            fields.map(\.value) == [.double(31), .int(7), .string("eco"), .bool(true)])
        #expect(result.outputs.first?.rows == [1, 2])
    }

    @Test("are asked for once a batch, and see none of what the batch reports")
    func once() throws {
        let host = FakeHost(shadows: ["t/": ValueMap(["version": .int(1)])])
        let transform = try Transform.of(
            .report(["n": "shadow().version + reading.n"]), .set(["v": "shadow().version"]), .publish("x"),
            shadows: .write)
        let result = transform.process(.of(.integers("n", [1, 2, 3])), host: host)
        #expect(host.lookups == ["t/"])
        #expect(result.shadows.map(\.reported) == [["n": .int(4)]])
        #expect(result.outputs.first?.batch.reading(at: 2)?.fields.last?.value == .int(1))
    }

    @Test("that cannot be read, or lack a key, fail the messages that need them")
    func missing() throws {
        let transform = try Transform.of(
            .set(["a": "reading.t > 1.0 ? shadow('broken').version : 0"]), .publish("x"), shadows: .read)
        let result = transform.process(.of(.doubles("t", [1, 2])), host: FakeHost())
        #expect(result.failures.map(\.cause) == ["step 1, set a: the shadow cannot be read"])
        let absent = try Transform.of(.filter("shadow().version > 0"), .publish("x"), shadows: .read)
        #expect(absent.process(.of(.doubles("t", [1])), host: FakeHost()).failures.count == 1)
    }
}
