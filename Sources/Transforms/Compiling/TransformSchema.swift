import Expressions

/// What is known, before anything runs, about a reading between two steps.
struct TransformSchema {
    /// The name of the reading in expressions.
    static let record = "reading"
    /// The variables of every expression.
    static let variables: [(name: String, type: ValueType)] = [
        ("topic", .string), ("thing", .string), ("time", .timestamp),
    ]

    /// The fields that are known, and what is known of their types.
    private(set) var fields: [String: ValueType] = [:]
    /// Whether there may be others.
    private(set) var isOpen: Bool
    /// The names bound by `let`, and their types.
    private(set) var bindings: [String: ValueType] = [:]

    /// The configuration that the recipe has.
    private let configuration: RecordType

    init(input: [InputField]?, configuration: [String: Value] = [:]) {
        isOpen = input == nil
        self.configuration = ConfigurationRecord.type(of: configuration)
        for field in input ?? [] { fields[field.name] = field.type.valueType }
    }

    /// What an expression may name here.
    var declarations: Declarations {
        var declarations = Declarations()
        for (name, type) in Self.variables { declarations.declareVariable(name, type: type) }
        for (name, type) in bindings { declarations.declareVariable(name, type: type) }
        declarations.declareRecord(Self.record, fields: fields, isOpen: isOpen)
        declarations.declareRecord(configuration)
        declarations.declareRecord(ConfigurationRecord.environmentType)
        declarations.declareFunction(HostFunctions.cpuTemperature)
        declarations.declareFunction(HostFunctions.shadow)
        return declarations
    }

    mutating func bind(_ name: String, _ type: ValueType) { bindings[name] = type }

    /// A field that gets a value of a type; null removes it.
    mutating func assign(_ field: String, _ type: ValueType) {
        switch type {
        case .null: fields[field] = nil
        case .uint: fields[field] = .int
        default: fields[field] = type
        }
    }

    /// Only these fields are left: whatever else there may have been is gone.
    mutating func keep(_ names: [String]) {
        var kept: [String: ValueType] = [:]
        for name in names {
            if let type = fields[name] { kept[name] = type } else if isOpen { kept[name] = .dyn }
        }
        fields = kept
        isOpen = false
    }

    mutating func drop(_ names: [String]) {
        for name in names { fields[name] = nil }
    }
}

extension FieldType {
    /// The type in expressions.
    var valueType: ValueType {
        switch self {
        case .double: .double
        case .int: .int
        case .bool: .bool
        case .string: .string
        }
    }
}
