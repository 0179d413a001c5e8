/// Configuration, environment and shadows of instances, as far as they can be checked without the recipe.
extension GroupCheck {
    mutating func checkSettings(of instance: ComponentInstance, path: String) {
        checkConfiguration(instance.configuration, path: "\(path).configuration")
        checkEnvironment(instance.environment, path: "\(path).environment")
        checkShadows(of: instance, path: "\(path).shadows")
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
        for (variable, message) in EnvironmentRule.problems(with: environment, of: "an instance") {
            add(variable.map { "\(path).\($0)" } ?? path, message)
        }
    }
}

extension ComponentInstance {
    /// What begins the names of variables that the core sets itself.
    public static let reservedPrefix = "HEDGEROW_"
}
