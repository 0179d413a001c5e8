/// What an expression may name besides the standard functions, which are always there: variables, records and
/// functions of the embedding program.
public struct Declarations: Sendable {
    var variables: [String: ValueType] = [:]
    var functions: [String: HostFunction] = [:]

    /// Nothing but the standard functions.
    public init() {}

    /// Declares a variable; a later declaration of the same name replaces it.
    ///
    /// - Parameters:
    ///   - name: An identifier, or several joined by dots.
    ///   - type: Its type; `dyn` where only evaluation knows.
    public mutating func declareVariable(_ name: String, type: ValueType) { variables[name] = type }

    /// Declares a record variable, whose fields become slots.
    ///
    /// - Parameters:
    ///   - name: An identifier.
    ///   - fields: The declared fields and their types.
    ///   - isOpen: Whether other fields may be named; these are `dyn`.
    public mutating func declareRecord(_ name: String, fields: [String: ValueType], isOpen: Bool) {
        declareRecord(RecordType(name: name, fields: fields, isOpen: isOpen))
    }

    /// Declares a record variable of the record's name.
    public mutating func declareRecord(_ record: RecordType) { variables[record.name] = .record(record) }

    /// Declares a function of the host. A standard function of the same name is hidden by it.
    public mutating func declareFunction(_ function: HostFunction) { functions[function.name] = function }
}
