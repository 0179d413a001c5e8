import Testing

@testable import Expressions

@Suite struct MacroTests {
    @Test(arguments: [
        ("[1, 2, 3].all(x, x > 0)", Value.bool(true)), ("xs.all(x, x > 1)", .bool(false)),
        ("xs.exists(x, x == 2)", .bool(true)), ("xs.exists_one(x, x > 2)", .bool(true)),
        ("xs.map(x, x * 2)", .list([.int(2), .int(4), .int(6)])),
        ("xs.filter(x, x != 2)", .list([.int(1), .int(3)])),
        ("xs.map(x, x > 1, x * x)", .list([.int(4), .int(9)])),
        ("{'a': 1, 'b': 2}.exists(k, k == 'b')", .bool(true)),
        ("xs.map(x, xs.map(y, x * y))[2][1]", .int(6)), ("xs.exists(x, 1 / (x - 2) > 0)", .bool(true)),
        ("xs.all(x, 1 / (x - 2) < 5 && x != 3)", .bool(false)),
        ("cel.bind(y, 5, xs.map(x, x + y))[0]", .int(6)),
        ("xs.filter(x, xs.exists(y, y == x + 1)).size()", .int(2)), ("[].all(x, x > 0)", .bool(true)),
    ])
    func macrosRunOverElements(_ source: String, _ wanted: Value) throws {
        let got = try evaluate(source, ["xs": .list([.int(1), .int(2), .int(3)])])
        #expect(got == wanted)
    }

    @Test func anErrorThatNoElementDecidesRemains() {
        #expect(failure("[1, 2].all(x, x / 0 == 1)")?.kind == .divisionByZero)
        #expect(failure("[1, 2].map(x, x / 0)")?.kind == .divisionByZero)
    }

    @Test func aMacrosNameHidesAVariable() throws {
        #expect(try evaluate("[7].exists(a, a == 7) && a == 1", ["a": .int(1)]) == .bool(true))
    }

    @Test func exponentialMacrosAreStopped() {
        let nested =
            String(repeating: "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].all(x, ", count: 9) + "true"
            + String(repeating: ")", count: 9)
        #expect(failure(nested)?.kind == .costExceeded)
        let doubled = "['foo', 'bar']" + String(repeating: ".map(x, [x + x, x + x])", count: 30)
        #expect(failure(doubled)?.kind == .costExceeded)
        let shared = (0..<40).reduce("[1, 1]") { source, step in
            "cel.bind(v\(step), \(source), [v\(step), v\(step)])"
        }
        #expect(failure(shared)?.kind == .costExceeded)
    }
}
