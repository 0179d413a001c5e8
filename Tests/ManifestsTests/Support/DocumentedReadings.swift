import Expressions
import Foundation
import Transforms

/// Readings and results in the notation of docs/transforms.md.
enum DocumentedReadings {
    /// A batch of one reading: `temperature=21.5 °C, label="a"`, or `failed: "why"`.
    static func batch(_ text: String) throws -> ReadingBatch {
        var batch = ReadingBatch(thing: "bme680-1", topic: "bme680/readings", times: [1_780_317_005_000_000])
        if let reason = text.wholeMatch(of: /failed: "(.*)"/)?.1 {
            batch.statuses[0] = RowStatus(.failed, reason: String(reason))
            return batch
        }
        for field in text.components(separatedBy: ", ") {
            guard let match = field.wholeMatch(of: /([^=]+)=("[^"]*"|[^ ]+)( .+)?/) else {
                throw NotationError(text: field)
            }
            let value = String(match.2)
            let values: ReadingColumn.Values
            if value.hasPrefix("\"") {
                values = .strings([String(value.dropFirst().dropLast())])
            } else if value == "true" || value == "false" {
                values = .bools([value == "true"])
            } else if let number = Int64(value) {
                values = .integers([number])
            } else if let number = Double(value) {
                values = .doubles([number])
            } else {
                throw NotationError(text: field)
            }
            batch.columns.append(
                ReadingColumn(
                    name: String(match.1), unit: match.3.map { String($0.dropFirst()) } ?? "", values: values)
            )
        }
        return batch
    }

    /// What became of a batch of one reading.
    static func outcome(_ result: TransformResult) -> String {
        var parts = result.shadows.map { update in
            let sections = [("reported", update.reported), ("desired", update.desired)]
                .filter { !$0.1.isEmpty }
                .map { "\($0.0) \(text(of: .map(ValueMap($0.1))))" }
            return
                "shadow\(update.name.isEmpty ? "" : " \(update.name)"): \(sections.joined(separator: ", "))"
        }
        parts += result.outputs.map { output in
            guard let row = output.batch.reading(at: 0) else { return "an empty batch" }
            let content =
                row.status.map { "failed: \"\($0.reason)\"" }
                ?? row.fields.map { field in
                    let unit = field.unit.isEmpty ? "" : " \(field.unit)"
                    return "\(field.name)=\(text(of: field.value))\(unit)"
                }.joined(separator: ", ")
            return "\(row.topic): \(content)"
        }
        parts += result.failures.map { "dead letter: \($0.cause)" }
        if result.filtered > 0 { parts.append("nothing") }
        return parts.joined(separator: "; ")
    }

    /// A value of a shadow as JSON, keys in ascending order.
    private static func text(of value: Value) -> String {
        switch value {
        case .null: "null"
        case .bool(let flag): "\(flag)"
        case .int(let number): "\(number)"
        case .double(let number): "\(number)"
        case .string(let text): "\"\(text)\""
        case .list(let elements): "[\(elements.map(text).joined(separator: ", "))]"
        case .map(let map):
            "{\(map.entries.map { "\(text(of: $0.key)): \(text(of: $0.value))" }.sorted().joined(separator: ", "))}"
        default: "no value of a shadow"
        }
    }

    private static func text(of value: ReadingValue) -> String {
        switch value {
        case .double(let value): "\(value)"
        case .int(let value): "\(value)"
        case .bool(let value): "\(value)"
        case .string(let value): "\"\(value)\""
        }
    }
}

/// A reading that is not in the notation.
struct NotationError: Error {
    let text: String
}

/// The core of the examples: its CPU has 46.5 °C, and 45 °C on average, and its thing has one shadow.
struct DocumentedHost: TransformHost {
    func cpuTemperature(over span: Duration?) throws(HostFailure) -> Double { span == nil ? 46.5 : 45.0 }

    func shadow(of thing: String, named name: String) throws(HostFailure) -> ValueMap? {
        guard thing == "bme680-1", name.isEmpty else { return nil }
        let site: Value = .map(ValueMap(["hall": .string("press")]))
        return ValueMap([
            "version": .int(7), "reported": .map(ValueMap(["high": .double(30), "site": site])),
        ])
    }
}
