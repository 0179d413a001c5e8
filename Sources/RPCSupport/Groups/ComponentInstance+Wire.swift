public import Components
public import HedgerowAPI

/// What the configuration of an instance on the wire is not, one sentence.
public struct UnreadableConfiguration: Error, Hashable, Sendable, CustomStringConvertible {
    /// The field, below that of the instance.
    public let field: String
    /// What is wrong.
    public let description: String
}

extension Hedgerow_Type_V1_ComponentInstance {
    /// An instance as it goes over the wire.
    public init(_ instance: ComponentInstance) {
        self.init()
        name = instance.name
        component = instance.component
        version = instance.request.description
        let update = instance.configuration
        if !update.isEmpty {
            if !update.merge.isEmpty { configuration.merge = ConfigurationValue.object(update.merge).json }
            configuration.reset = update.reset.map(\.description)
        }
        environment = instance.environment
        shadows = instance.shadows.map(\.text)
    }

    /// What it changes of the recipe's configuration.
    ///
    /// - Throws: ``UnreadableConfiguration`` where the object is no JSON or too large, or a place is no JSON pointer.
    public func update() throws(UnreadableConfiguration) -> ConfigurationUpdate {
        guard hasConfiguration else { return ConfigurationUpdate() }
        var update = ConfigurationUpdate()
        if !configuration.merge.isEmpty {
            guard let members = ConfigurationValue.members(parsing: configuration.merge) else {
                throw UnreadableConfiguration(
                    field: "configuration.merge",
                    description:
                        "a configuration is a JSON object of at most \(ConfigurationValue.maximumBytes) bytes"
                )
            }
            update.merge = members
        }
        for (index, text) in configuration.reset.enumerated() {
            guard let pointer = JSONPointer(text) else {
                throw UnreadableConfiguration(
                    field: "configuration.reset[\(index)]", description: "\"\(text)\" is no JSON pointer")
            }
            update.reset.append(pointer)
        }
        return update
    }
}
