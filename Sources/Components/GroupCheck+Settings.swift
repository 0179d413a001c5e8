import Expressions

/// Configuration and environment of instances, as far as they can be checked without the recipe.
extension GroupCheck {
    mutating func checkSettings(of instance: ComponentInstance, path: String) {
        checkConfiguration(instance.configuration, path: "\(path).configuration")
        checkEnvironment(instance.environment, path: "\(path).environment")
    }

    private mutating func checkConfiguration(_ update: ConfigurationUpdate, path: String) {
        let bytes = ConfigurationValue.object(update.merge).json.utf8.count
        if bytes > ConfigurationValue.maximumBytes {
            add(
                "\(path).merge",
                "the configuration has \(bytes) bytes as JSON; at most \(ConfigurationValue.maximumBytes) are allowed"
            )
        }
        if update.reset.count > ConfigurationUpdate.maximumResets {
            add(
                "\(path).reset",
                "\(update.reset.count) places are too many; at most \(ConfigurationUpdate.maximumResets) are reset"
            )
        }
    }

    private mutating func checkEnvironment(_ environment: [String: String], path: String) {
        typealias Limits = ComponentInstance.Limits
        if environment.count > Limits.environment {
            add(
                path,
                "\(environment.count) variables are too many; an instance has at most \(Limits.environment)")
            return
        }
        var bytes = 0
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) {
            bytes += name.utf8.count + value.utf8.count
            if let problem = ComponentInstance.problem(withVariable: name) {
                add("\(path).\(name)", problem)
            } else if value.utf8.contains(0) {
                add("\(path).\(name)", "the value of \(name) contains U+0000; remove it")
            }
        }
        if bytes > Limits.environmentBytes {
            add(
                path,
                "names and values have \(bytes) bytes; at most \(Limits.environmentBytes) are allowed for an instance"
            )
        }
    }
}

extension ComponentInstance {
    /// What begins the names of variables that the core sets itself.
    public static let reservedPrefix = "HEDGEROW_"

    /// What is wrong with the name of a variable; nil where nothing is.
    static func problem(withVariable name: String) -> String? {
        if !Identifier.isValid(name) {
            return
                "\"\(name.prefix(60))\" is no name of a variable; a name has the letters A to Z and a to z, digits and _, "
                + "and no digit first"
        }
        if name.hasPrefix(reservedPrefix) {
            return
                "names that begin with \(reservedPrefix) are reserved; choose another name than \(name.prefix(60))"
        }
        return nil
    }
}
