import Expressions

/// The rule for variables: those of an instance, and those that a recipe gives its instances.
public enum EnvironmentRule {
    /// What is wrong with variables, in the order of their names, one sentence each.
    ///
    /// - Parameters:
    ///   - environment: values by name.
    ///   - owner: who has them, for people: `an instance`.
    /// - Returns: each problem with the variable that it is about; nil where it is about all of them.
    public static func problems(
        with environment: [String: String], of owner: String
    ) -> [(variable: String?, message: String)] {
        typealias Limits = ComponentInstance.Limits
        if environment.count > Limits.environment {
            return [
                (
                    nil,
                    "\(environment.count) variables are too many; \(owner) has at most \(Limits.environment)"
                )
            ]
        }
        var problems: [(variable: String?, message: String)] = []
        var bytes = 0
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) {
            bytes += name.utf8.count + value.utf8.count
            if let problem = problem(withName: name) {
                problems.append((name, problem))
            } else if value.utf8.contains(0) {
                problems.append((name, "the value of \(name) contains U+0000; remove it"))
            }
        }
        if bytes > Limits.environmentBytes {
            problems.append(
                (
                    nil,
                    "names and values have \(bytes) bytes; at most \(Limits.environmentBytes) are allowed for \(owner)"
                ))
        }
        return problems
    }

    private static func problem(withName name: String) -> String? {
        if !Identifier.isValid(name) {
            return
                "\"\(name.prefix(60))\" is no name of a variable; a name has the letters A to Z and a to z, digits and _, "
                + "and no digit first"
        }
        if name.hasPrefix(ComponentInstance.reservedPrefix) {
            return
                "names that begin with \(ComponentInstance.reservedPrefix) are reserved; choose another name than "
                + "\(name.prefix(60))"
        }
        return nil
    }
}
