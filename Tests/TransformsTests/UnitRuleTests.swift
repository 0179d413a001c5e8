import Testing
import Transforms

@Suite("Units")
struct UnitRuleTests {
    @Test("of the table are known, once each and within the limit")
    func table() {
        #expect(Set(UnitRule.known).count == UnitRule.known.count)
        for unit in UnitRule.known {
            #expect(UnitRule.problem(with: unit) == nil)
            #expect(unit.utf8.count <= TransformLimits.unitBytes)
        }
        #expect(UnitRule.problem(with: "") == nil)
    }

    @Test("with another micro or ohm sign are the same", arguments: ["\u{3BC}g/m³", "k\u{2126}", "\u{212A}"])
    func signs(unit: String) { #expect(UnitRule.problem(with: unit) == nil) }

    @Test("that are counted are written in braces", arguments: ["{parts}", "{parts}/min", "{CO2}"])
    func annotations(unit: String) { #expect(UnitRule.isKnown(unit)) }

    @Test(
        "that are not known are refused, with what was probably meant",
        arguments: [
            ("C", "°C"), ("F", "°F"), ("degC", "°C"), ("celsius", "°C"), ("Kelvin", "K"), ("hpa", "hPa"),
            ("HPA", "hPa"), ("RH", "%RH"), ("% rh", "%RH"), ("ohm", "Ω"), ("Ohms", "Ω"), ("m3/h", "m³/h"),
            ("ug/m3", "µg/m³"), ("lux", "lx"), ("m/s2", "m/s²"), ("sec", "s"), ("1/min", "rpm"),
            ("hPas", "hPa"), ("khz", "kHz"), ("kph", "km/h"),
        ])
    func suggestions(unit: String, meant: String) {
        #expect(
            UnitRule.problem(with: unit) == "the unit \"\(unit)\" is not known; did you mean \"\(meant)\"?")
    }

    @Test(
        "that are nothing at all are refused, without a guess",
        arguments: ["x", "??", "florins", "{}", "{parts", "{a}b", "{a b}", "{{a}}", "{a}/x", "°C\n"])
    func unknown(unit: String) throws {
        let problem = try #require(UnitRule.problem(with: unit))
        #expect(problem.contains("is not known"))
        #expect(!problem.contains("\n"))
    }

    @Test("have at most 64 bytes")
    func length() {
        let long = "{" + String(repeating: "x", count: 64) + "}"
        #expect(UnitRule.problem(with: long) == "the unit has 66 bytes; at most 64 are allowed")
    }
}
