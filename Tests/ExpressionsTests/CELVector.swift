import Foundation
import TestSupport

@testable import Expressions

/// One line of the conformance cases.
struct CELVector {
    private let line: [String: Any]

    init(_ line: [String: Any]) { self.line = line }

    /// What it should give and gives.
    func outcome() -> VectorReport.Outcome {
        let expect = line["expect"] as? [String: Any] ?? [:]
        let expression: CompiledExpression
        do {
            expression = try CompiledExpression.compile(
                line["expr"] as? String ?? "", declarations: declarations(),
                container: line["container"] as? String ?? "",
                mode: line["disable_check"] as? Bool == true ? .dynamic : .typed)
        } catch {
            let isWanted = expect["error"] as? Bool == true
            return .init(
                expected: isWanted ? "refused: \(error)" : describe(expect), got: "refused: \(error)")
        }
        if let type = expect["deduced_type"] as? String, type != name(of: expression.type) {
            return .init(expected: type, got: name(of: expression.type))
        }
        if line["check_only"] as? Bool == true { return .init(expected: "checked", got: "checked") }
        var frame = Frame(for: expression)
        let bindings = line["bindings"] as? [String: Any] ?? [:]
        for (index, slot) in expression.slots.enumerated() {
            if case .variable(let name) = slot.source, let value = bindings[name].map(value) {
                frame.set(value, at: index)
            }
        }
        do {
            let got = try expression.evaluate(&frame)
            guard let typed = expect["value"] else { return .init(expected: "error", got: "\(got)") }
            let wanted = value(typed)
            return .init(expected: "\(wanted)", got: same(wanted, got) ? "\(wanted)" : "\(got)")
        } catch {
            let isWanted = expect["error"] as? Bool == true
            return .init(expected: isWanted ? "\(error)" : describe(expect), got: "\(error)")
        }
    }

    private func describe(_ expect: [String: Any]) -> String {
        expect["value"].map { "\(value($0))" } ?? "\(expect)"
    }

    private func declarations() -> Declarations {
        var declarations = Declarations()
        for entry in line["type_env"] as? [[String: Any]] ?? [] {
            let name = entry["name"] as? String ?? ""
            if let type = entry["type"] as? String { declarations.declareVariable(name, type: parse(type)) }
            let overloads = (entry["function"] as? [[String: Any]] ?? []).map { overload in
                HostFunction.Overload(
                    parameters: (overload["params"] as? [String] ?? []).map(parse),
                    result: parse(overload["result"] as? String ?? ""),
                    isMember: overload["instance"] as? Bool == true)
            }
            if !overloads.isEmpty {
                declarations.declareFunction(HostFunction(name: name, overloads: overloads))
            }
        }
        // Without a type environment every bound name is dyn.
        for name in (line["bindings"] as? [String: Any] ?? [:]).keys where declarations.variables[name] == nil
        {
            declarations.declareVariable(name, type: .dyn)
        }
        return declarations
    }

    private func parse(_ type: String) -> ValueType {
        if let inner = inside(type, "list") { return .list(parse(inner)) }
        if let inner = inside(type, "map"), let comma = inner.firstIndex(of: ",") {
            return .map(
                parse(String(inner[..<comma])),
                parse(inner[inner.index(after: comma)...].trimmingCharacters(in: .whitespaces)))
        }
        let simple: [String: ValueType] = [
            "int": .int, "uint": .uint, "double": .double, "string": .string, "bytes": .bytes, "bool": .bool,
            "null_type": .null, "google.protobuf.Timestamp": .timestamp,
            "google.protobuf.Duration": .duration,
            "timestamp": .timestamp, "duration": .duration,
        ]
        return simple[type] ?? .dyn
    }

    private func inside(_ type: String, _ name: String) -> String? {
        guard type.hasPrefix(name + "("), type.hasSuffix(")") else { return nil }
        return String(type.dropFirst(name.count + 1).dropLast())
    }

    private func name(of type: ValueType) -> String {
        switch type {
        case .null: "null_type"
        case .timestamp: "google.protobuf.Timestamp"
        case .duration: "google.protobuf.Duration"
        default: type.description
        }
    }

    /// Decodes a typed value.
    private func value(_ typed: Any) -> Value {
        guard let object = typed as? [String: Any], let (kind, content) = object.first else { return .null }
        let text = content as? String ?? ""
        switch kind {
        case "int64": return .int(Int64(text) ?? 0)
        case "uint64": return .uint(UInt64(text) ?? 0)
        case "double":
            let special: [String: Double] = ["NaN": .nan, "Infinity": .infinity, "-Infinity": -.infinity]
            return .double(special[text] ?? Double(text) ?? 0)
        case "string": return .string(text)
        case "bytes": return .bytes(Array(Data(base64Encoded: text) ?? Data()))
        case "bool": return .bool(content as? Bool == true)
        case "list": return .list((content as? [Any] ?? []).map(value))
        case "map":
            var map = ValueMap()
            for entry in content as? [[Any]] ?? [] where entry.count == 2 {
                map.insert(value(entry[1]), for: value(entry[0]))
            }
            return .map(map)
        case "type": return .type(text)
        case "timestamp":
            let (seconds, nanos) = seconds(content)
            return Timestamp(seconds: seconds, nanoseconds: Int32(nanos)).map(Value.timestamp) ?? .null
        case "duration":
            let (seconds, nanos) = seconds(content)
            return .duration(TimeSpan(nanoseconds: seconds * 1_000_000_000 + nanos))
        default: return .null
        }
    }

    private func seconds(_ content: Any) -> (Int64, Int64) {
        let object = content as? [String: Any] ?? [:]
        func number(_ key: String) -> Int64 {
            (object[key] as? String).flatMap(Int64.init) ?? (object[key] as? NSNumber)?.int64Value ?? 0
        }
        return (number("seconds"), number("nanos"))
    }

    /// Same kind and same value; NaN equals NaN, zeros differ by sign.
    private func same(_ wanted: Value, _ got: Value) -> Bool {
        switch (wanted, got) {
        case (.double(let left), .double(let right)):
            return left.isNaN && right.isNaN || left == right && left.sign == right.sign
        case (.string(let left), .string(let right)): return left.utf8.elementsEqual(right.utf8)
        case (.list(let left), .list(let right)):
            return left.count == right.count && zip(left, right).allSatisfy { same($0, $1) }
        case (.map(let left), .map(let right)):
            return left.count == right.count
                && left.entries.allSatisfy { entry in right[entry.key].map { same(entry.value, $0) } ?? false
                }
        default: return wanted == got
        }
    }
}
