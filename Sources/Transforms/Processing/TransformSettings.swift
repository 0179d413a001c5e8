public import Expressions

/// What one instance of a component gives its transform: its configuration and its environment.
///
/// Immutable; expressions read it as `configuration` and `environment`.
public struct TransformSettings: Hashable, Sendable {
    /// Values by where an expression finds them.
    private var values: [Slot.Source: Value] = [:]

    /// Makes settings.
    ///
    /// - Parameters:
    ///   - configuration: all of it, defaults included. Each value has the type of the recipe's.
    ///   - environment: variables by name.
    public init(configuration: [String: Value] = [:], environment: [String: String] = [:]) {
        add(configuration.map { ($0.key, $0.value) }, record: ConfigurationRecord.configuration)
        for (name, text) in environment {
            values[.field(record: ConfigurationRecord.environment, name: name)] = .string(text)
        }
    }

    private mutating func add(_ members: [(key: String, value: Value)], record: String) {
        for (key, value) in members {
            values[.field(record: record, name: key)] = value
            guard let inner = ConfigurationRecord.textMembers(of: value) else { continue }
            add(inner, record: ConfigurationRecord.name(of: key, in: record))
        }
    }

    /// The value of a slot; nil where it has none.
    subscript(source: Slot.Source) -> Value? { values[source] }
}
