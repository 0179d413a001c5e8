import Identity

/// The units that recipes may write.
///
/// Most wrong units are typing errors (`hpa`, `degC`), which nobody notices before the data is a year old; so
/// only these are taken: the units of ``known``, and an annotation in braces as UCUM has it
/// (https://ucum.org/ucum, section 6) for what is counted: `{parts}`, `{parts}/min`.
public enum UnitRule {
    /// Every unit that is known, by kind.
    public static let known: [String] = [
        // Temperature, pressure, humidity, air.
        "°C", "K", "°F", "Pa", "hPa", "kPa", "MPa", "bar", "mbar", "mmHg", "psi", "%RH", "ppm", "ppb",
        "µg/m³",
        "mg/m³", "g/m³", "kg/m³",
        // Electricity.
        "Ω", "kΩ", "MΩ", "µV", "mV", "V", "kV", "µA", "mA", "A", "mAh", "Ah", "mW", "W", "kW", "MW", "VA",
        "kVA",
        "var", "kvar", "Wh", "kWh", "MWh", "pF", "nF", "µF", "mF", "µH", "mH", "H", "µT", "mT", "T", "µS/cm",
        "mS/cm", "S/m",
        // Force, work, mass.
        "J", "kJ", "MJ", "mN", "N", "kN", "Nm", "kNm", "mg", "g", "kg", "t", "kcal",
        // Length, area, volume, motion.
        "nm", "µm", "mm", "cm", "m", "km", "mm²", "cm²", "m²", "ml", "l", "m³", "mm/s", "cm/s", "m/s", "km/h",
        "m/s²", "gn", "rad", "°", "rad/s", "°/s", "rpm",
        // Flow.
        "ml/min", "l/s", "l/min", "l/h", "m³/s", "m³/min", "m³/h", "kg/s", "kg/h",
        // Time and frequency.
        "ns", "µs", "ms", "s", "min", "h", "d", "mHz", "Hz", "kHz", "MHz", "GHz",
        // Light, sound, radio, radiation.
        "lx", "lm", "cd", "W/m²", "dB", "dBA", "dBm", "µSv/h", "Bq", "Bq/m³",
        // Information and ratios.
        "B", "kB", "MB", "GB", "KiB", "MiB", "GiB", "bit", "bit/s", "kbit/s", "Mbit/s", "B/s", "kB/s", "MB/s",
        "%", "‰", "pH", "NTU", "mg/l", "g/l", "mol/l", "mmol/l",
    ]

    private static let table = Set(known)

    /// What people write for a unit that has another spelling here.
    private static let spellings: [String: String] = [
        "c": "°C", "degc": "°C", "deg c": "°C", "celsius": "°C", "°celsius": "°C", "ºc": "°C", "℃": "°C",
        "f": "°F", "degf": "°F", "fahrenheit": "°F", "ºf": "°F", "℉": "°F",
        "kelvin": "K", "°k": "K", "degk": "K",
        "rh": "%RH", "% rh": "%RH", "%rh": "%RH", "%r.h.": "%RH", "percent": "%", "pct": "%", "permille": "‰",
        "ohm": "Ω", "ohms": "Ω", "kohm": "kΩ", "mohm": "MΩ", "volt": "V", "volts": "V", "watt": "W",
        "watts": "W",
        "ampere": "A", "amp": "A", "amps": "A", "joule": "J", "newton": "N", "n·m": "Nm", "n m": "Nm",
        "hertz": "Hz", "pascal": "Pa", "millibar": "mbar", "torr": "mmHg",
        "meter": "m", "metre": "m", "millimeter": "mm", "millimetre": "mm", "m^2": "m²", "m2": "m²",
        "sqm": "m²",
        "m^3": "m³", "m3": "m³", "m3/h": "m³/h", "m^3/h": "m³/h", "cm2": "cm²", "mm2": "mm²", "liter": "l",
        "litre": "l", "l/m": "l/min", "lpm": "l/min", "m/s2": "m/s²", "m/s^2": "m/s²", "w/m2": "W/m²",
        "ug/m3": "µg/m³", "µg/m3": "µg/m³", "mg/m3": "mg/m³", "ug/m³": "µg/m³", "g/m3": "g/m³",
        "kg/m3": "kg/m³",
        "us/cm": "µS/cm", "um": "µm", "us": "µs", "uv": "µV", "ua": "µA", "uf": "µF", "uh": "µH", "ut": "µT",
        "usv/h": "µSv/h", "deg": "°", "degree": "°", "degrees": "°", "deg/s": "°/s", "radian": "rad",
        "sec": "s", "second": "s", "seconds": "s", "minute": "min", "minutes": "min", "hour": "h",
        "hours": "h",
        "hr": "h", "day": "d", "days": "d", "gram": "g", "kilogram": "kg", "ton": "t", "tonne": "t",
        "lux": "lx", "lumen": "lm", "kph": "km/h", "kmh": "km/h", "u/min": "rpm", "1/min": "rpm",
        "bps": "bit/s",
    ]

    /// What is wrong with a unit and what to write; nil where nothing is. An empty text is no unit and right.
    public static func problem(with unit: String) -> String? {
        if unit.isEmpty || isKnown(unit) { return nil }
        if unit.utf8.count > TransformLimits.unitBytes {
            return "the unit has \(unit.utf8.count) bytes; at most \(TransformLimits.unitBytes) are allowed"
        }
        let shown = unit.map { $0.isNewline ? " " : String($0) }.joined()
        let advice =
            suggestion(for: unit).map { "did you mean \"\($0)\"?" }
            ?? "write a unit of docs/transforms.md, such as \"°C\", or what is counted in braces: \"{parts}\""
        return "the unit \"\(shown)\" is not known; \(advice)"
    }

    /// Whether a unit is in the table or an annotation.
    public static func isKnown(_ unit: String) -> Bool {
        // U+03BC, the Greek letter, is the micro sign of half of all keyboards.
        let spelled = unit.contains("\u{3BC}") ? String(unit.map { $0 == "\u{3BC}" ? "\u{B5}" : $0 }) : unit
        if table.contains(spelled) { return true }
        guard unit.utf8.count <= TransformLimits.unitBytes, unit.utf8.first == UInt8(ascii: "{"),
            let end = unit.utf8.firstIndex(of: UInt8(ascii: "}"))
        else { return false }
        let note = unit.utf8[..<end].dropFirst()
        guard !note.isEmpty, note.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "{") }) else {
            return false
        }
        let rest = unit[unit.index(after: end)...]
        return rest.isEmpty || (rest.first == "/" && table.contains(String(rest.dropFirst())))
    }

    private static func suggestion(for unit: String) -> String? {
        let lower = unit.lowercased()
        if let spelling = spellings[lower] { return spelling }
        if let sameLetters = known.first(where: { $0.lowercased() == lower }) { return sameLetters }
        // One letter is near to every other letter: no suggestion is better than a wrong one.
        return unit.count < 3 ? nil : Suggestion.nearest(to: unit, in: known)
    }
}
