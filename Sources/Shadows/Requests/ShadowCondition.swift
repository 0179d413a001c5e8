import Expressions

/// A CEL expression over a shadow as it is, on which a write depends.
///
/// It knows `state` and `metadata` (maps, as `get` answers them; empty where there is no shadow), `version` (0 where
/// there is none) and `exists`. Whole numbers are int, others double; comparing them works, calculating with both
/// needs a conversion.
public struct ShadowCondition: Sendable {
    /// The expression.
    public var text: String { expression.source }
    private let expression: CompiledExpression

    /// Most bytes of an expression.
    public static let longest = 4_096

    private static let declarations = {
        var declarations = Declarations()
        declarations.declareVariable("state", type: .map(.string, .dyn))
        declarations.declareVariable("metadata", type: .map(.string, .dyn))
        declarations.declareVariable("version", type: .int)
        declarations.declareVariable("exists", type: .bool)
        return declarations
    }()

    /// Compiles a condition.
    ///
    /// - Throws: ``ShadowError`` with 400 where it is too long, no expression, or has no truth value.
    public init(_ text: String) throws(ShadowError) {
        if text.utf8.count > Self.longest {
            throw ShadowError(
                .invalidExpression,
                "The condition has \(text.utf8.count) bytes, more than \(Self.longest): make it shorter")
        }
        do throws(ExpressionErrors) {
            expression = try CompiledExpression.compile(
                text, declarations: Self.declarations,
                limits: ExpressionLimits(maximumSourceBytes: Self.longest))
        } catch {
            throw ShadowError(.invalidExpression, "The condition is no expression: \(error)")
        }
        guard expression.type == .bool || expression.type == .dyn else {
            throw ShadowError(
                .invalidExpression, "The condition is of type \(expression.type): it has to be true or false")
        }
    }

    /// Whether the condition is true for a shadow.
    ///
    /// - Parameter stored: What is stored; nil for nothing.
    /// - Throws: ``ShadowError`` with 409 where it has no value, as when it names a field that is not there.
    public func holds(for stored: StoredShadow?) throws(ShadowError) -> Bool {
        var frame = Frame(for: expression)
        let document = stored?.document
        for (index, slot) in expression.slots.enumerated() {
            guard case .variable(let name) = slot.source else { continue }
            switch name {
            case "state": frame.set(.map(Self.state(of: document)), at: index)
            case "metadata": frame.set(.map(Self.metadata(of: document)), at: index)
            case "version": frame.set(int: Int64(clamping: document?.version ?? 0), at: index)
            default: frame.set(bool: document != nil, at: index)
            }
        }
        do throws(EvaluationError) {
            return try expression.evaluateBool(&frame)
        } catch {
            throw ShadowError(.conditionFalse, "The condition has no value: \(error)")
        }
    }

    /// Refuses where the condition is not true.
    ///
    /// - Parameters:
    ///   - stored: What is stored; nil for nothing.
    ///   - clientToken: Comes back in the error.
    /// - Throws: ``ShadowError`` with 409.
    public func check(_ stored: StoredShadow?, clientToken: String? = nil) throws(ShadowError) {
        do throws(ShadowError) {
            if try holds(for: stored) { return }
        } catch {
            throw ShadowError(error.code, error.message, clientToken: clientToken)
        }
        throw ShadowError(.conditionFalse, "The condition is not true", clientToken: clientToken)
    }

    private static func state(of document: ShadowDocument?) -> ValueMap {
        guard let document else { return ValueMap() }
        var sections: [String: Value] = [:]
        if let desired = document.desired { sections["desired"] = value(.object(desired)) }
        if let reported = document.reported { sections["reported"] = value(.object(reported)) }
        let delta = document.deltaState
        if !delta.isEmpty { sections["delta"] = value(.object(delta)) }
        return ValueMap(sections)
    }

    private static func metadata(of document: ShadowDocument?) -> ValueMap {
        guard let metadata = document?.metadata else { return ValueMap() }
        var sections: [String: Value] = [:]
        if !metadata.desired.isEmpty { sections["desired"] = value(.object(metadata.desired)) }
        if !metadata.reported.isEmpty { sections["reported"] = value(.object(metadata.reported)) }
        return ValueMap(sections)
    }

    private static func value(_ node: ShadowMetadata.Node) -> Value {
        switch node {
        case .time(let seconds): .map(ValueMap(["timestamp": .int(seconds)]))
        case .object(let nodes): .map(ValueMap(nodes.mapValues(value)))
        case .array(let nodes): .list(nodes.map(value))
        }
    }

    private static func value(_ json: JSONValue) -> Value {
        switch json {
        case .null: .null
        case .bool(let flag): .bool(flag)
        case .integer(let number): .int(number)
        case .number(let number): .double(number)
        case .string(let text): .string(text)
        case .array(let elements): .list(elements.map(value))
        case .object(let members): .map(ValueMap(members.mapValues(value)))
        }
    }
}
