import Components
import HedgerowAPI
import RPCSupport

/// Configuration, environment and shadows of instances as the command line writes them.
enum InstanceText {
    /// What instances change of their recipe's configuration, their variables, and whose shadows they may use; empty where
    /// none has any.
    static func table(_ instances: [Hedgerow_Type_V1_ComponentInstance], coloured: Bool) -> String {
        let settings = instances.filter {
            $0.hasConfiguration || !$0.environment.isEmpty || !$0.shadows.isEmpty
        }
        if settings.isEmpty { return "" }
        var table = Table(["INSTANCE", "CONFIGURATION", "ENVIRONMENT", "SHADOWS OF"])
        for instance in settings {
            var parts: [String] = []
            if !instance.configuration.merge.isEmpty { parts.append(instance.configuration.merge) }
            if !instance.configuration.reset.isEmpty {
                parts.append("reset \(instance.configuration.reset.joined(separator: " "))")
            }
            let variables = instance.environment.sorted { $0.key < $1.key }
                .map { "\($0.key)=\($0.value.map { $0.isNewline ? " " : String($0) }.joined())" }
            table.add([
                Table.Cell(instance.name), Table.Cell(parts.joined(separator: ", ")),
                Table.Cell(variables.joined(separator: " ")),
                Table.Cell(instance.shadows.joined(separator: " ")),
            ])
        }
        return "\n" + table.render(coloured: coloured)
    }

    /// What an instance changes of its recipe's configuration.
    static func configuration(_ instance: Hedgerow_Type_V1_ComponentInstance) -> JSONValue {
        guard instance.hasConfiguration, let update = try? instance.update() else { return .null }
        return .object([
            ("merge", json(.object(update.merge))),
            ("reset", .list(update.reset.map { .text($0.description) })),
        ])
    }

    /// The variables of an instance.
    static func environment(_ instance: Hedgerow_Type_V1_ComponentInstance) -> JSONValue {
        .object(instance.environment.sorted { $0.key < $1.key }.map { ($0.key, .text($0.value)) })
    }

    private static func json(_ value: ConfigurationValue) -> JSONValue {
        switch value {
        case .null: .null
        case .bool(let flag): .boolean(flag)
        case .int(let number): .integer(number)
        case .double(let number): .number(number)
        case .string(let text): .text(text)
        case .list(let elements): .list(elements.map(json))
        case .object(let members):
            .object(members.sorted { $0.key < $1.key }.map { ($0.key, json($0.value)) })
        }
    }
}
