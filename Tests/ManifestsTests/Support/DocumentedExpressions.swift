@testable import Expressions
@testable import Transforms

/// Expressions and their values in the notation of docs/transforms.md.
enum DocumentedExpressions {
    /// The value of an expression for the first reading of a batch, or `error: WHY`.
    static func value(of source: String, batch: ReadingBatch) -> String {
        do throws(ExpressionErrors) {
            let expression = try CompiledExpression.compile(
                source, declarations: TransformSchema(input: nil).declarations)
            var frame = Frame(for: expression)
            for (slot, description) in expression.slots.enumerated() {
                switch description.source {
                case .variable("topic"): frame.set(string: batch.topic, at: slot)
                case .variable("thing"): frame.set(string: batch.thing, at: slot)
                case .variable("time"):
                    if let time = Timestamp(microseconds: batch.times[0]) {
                        frame.set(.timestamp(time), at: slot)
                    }
                case .variable: break
                case .field(_, let name):
                    switch batch.columns.first(where: { $0.name == name })?.value(at: 0) {
                    case .double(let value)?: frame.set(double: value, at: slot)
                    case .int(let value)?: frame.set(int: value, at: slot)
                    case .bool(let value)?: frame.set(bool: value, at: slot)
                    case .string(let value)?: frame.set(string: value, at: slot)
                    case nil: break
                    }
                }
            }
            do throws(EvaluationError) {
                return text(
                    of: try expression.evaluate(
                        &frame, host: HostAdapter(DocumentedHost(), thing: batch.thing)))
            } catch {
                return "error: \(error.message)"
            }
        } catch {
            return "refused: \(error)"
        }
    }

    private static func text(of value: Value) -> String {
        switch value {
        case .int(let value): "\(value)"
        case .uint(let value): "\(value)u"
        case .double(let value):
            value.isFinite ? "\(value)" : value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity"
        case .string(let value): quoted(value)
        case .bool(let value): "\(value)"
        case .null: "null"
        case .bytes(let bytes):
            "b\"" + bytes.map { "\\x" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + "\""
        case .list(let values): "[" + values.map(text).joined(separator: ", ") + "]"
        case .map(let map):
            "{" + map.entries.map { "\(text(of: $0.key)): \(text(of: $0.value))" }.joined(separator: ", ")
                + "}"
        case .timestamp(let time): time.text
        case .duration(let span): span.text
        case .type(let name): name
        }
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : String($0) }.joined() + "\""
    }
}
