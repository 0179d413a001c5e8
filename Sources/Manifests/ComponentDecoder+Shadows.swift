import Transforms
import Yams

/// The step `shadow`.
extension ComponentDecoder {
    private static let shadowKeys = ["report", "desire", "name"]
    private static let shadowAdvice = [
        "reported": "write \"report\"", "desired": "write \"desire\"",
        "thing": "the step changes shadows of the message's thing, and of no other; remove \"thing\"",
    ]

    mutating func readShadow(_ entry: ManifestReader.Entry, path: String) -> TransformStep? {
        guard
            let fields = reader.fields(
                entry.value, what: "shadow", known: Self.shadowKeys, advice: Self.shadowAdvice)
        else { return nil }
        var step = ShadowStep()
        if let name = fields["name"] {
            places["\(path).name"] = name.place
            if let text = reader.text(name.value, what: "\"name\"") {
                step.name = text
                if text.isEmpty {
                    reader.report(
                        name.place, "\"name\" is empty; the classic shadow has none, remove \"name\"")
                }
            }
        }
        if let report = fields["report"] { step.report = readReport(report, path: "\(path).report") }
        if let desire = fields["desire"] {
            step.desire = readShadowValues(desire, path: "\(path).desire") ?? []
        }
        return .shadow(step)
    }

    /// `true`, or keys and their values.
    private mutating func readReport(_ entry: ManifestReader.Entry, path: String) -> ShadowStep.Report? {
        places[path] = entry.keyPlace
        if reader.isMapping(entry.value) { return readShadowValues(entry, path: path).map { .values($0) } }
        if case .scalar(let scalar) = entry.value, reader.tag(of: scalar) == .bool,
            Bool.construct(from: scalar) == true
        {
            return .reading
        }
        reader.report(
            entry.place,
            "\"report\" has to be true, which reports all fields of the reading, or a mapping (key: expression), but is "
                + reader.kind(of: entry.value))
        return nil
    }

    private mutating func readShadowValues(
        _ entry: ManifestReader.Entry, path: String
    ) -> [ShadowAssignment]? {
        places[path] = entry.keyPlace
        guard let entries = reader.entries(entry.value, what: "\"\(entry.key)\"") else { return nil }
        return entries.map { field in
            let fieldPath = "\(path).\(field.key)"
            places[fieldPath] = field.keyPlace
            let value = expression(field.value, path: fieldPath, what: "\"\(reader.shown(field.key))\"")
            return ShadowAssignment(key: field.key, value: value ?? Self.placeholder)
        }
    }
}
