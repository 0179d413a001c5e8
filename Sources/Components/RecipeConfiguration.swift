import Identity

/// The configuration that a recipe has. Its values are what instances run with where they say nothing else, and they say
/// what instances may give:
///
/// - An object has the members that it has in the recipe. Only an object that is empty there takes any.
/// - A value is of the same kind as the recipe's. A number is whole where the recipe's is written without a point.
/// - Where the recipe says null, any value will do. There, in empty objects and in lists that are empty or mixed or hold
///   lists or objects, every number is a double.
public struct RecipeConfiguration: Hashable, Sendable {
    /// Something that an instance may not give.
    public struct Problem: Hashable, Sendable {
        /// The place in the configuration, as a JSON pointer.
        public let place: String
        /// What is wrong, one sentence.
        public let message: String
    }

    /// Most problems that one instance is told of.
    public static let maximumProblems = 20

    /// What the recipe says.
    public let defaults: [String: ConfigurationValue]
    /// Variables that instances have where they say nothing else; only a program's recipe gives any.
    public let variables: [String: String]

    /// Whether an instance takes another configuration while it runs.
    public let isLive: Bool

    /// Makes a configuration of what a recipe says. In a list of numbers of which one is a double, all are.
    public init(
        _ defaults: [String: ConfigurationValue] = [:], variables: [String: String] = [:],
        isLive: Bool = false
    ) {
        self.defaults = defaults.mapValues(Self.agreeing)
        self.variables = variables
        self.isLive = isLive
    }

    /// What a recipe says.
    public init(_ recipe: Recipe) {
        self.init(
            recipe.configuration, variables: recipe.process?.environment ?? [:],
            isLive: recipe.process?.onConfigurationChange == .notify)
    }

    private static func agreeing(_ value: ConfigurationValue) -> ConfigurationValue {
        switch value {
        case .object(let members): return .object(members.mapValues(agreeing))
        case .list(let elements):
            let numbers = elements.compactMap { element -> Double? in
                switch element {
                case .int(let number): Double(number)
                case .double(let number): number
                default: nil
                }
            }
            let areWhole = elements.allSatisfy { if case .int = $0 { true } else { false } }
            if numbers.count == elements.count, !areWhole { return .list(numbers.map { .double($0) }) }
            return .list(elements.map(agreeing))
        case .null, .bool, .int, .double, .string: return value
        }
    }

    /// The configuration of an instance: every value of the recipe's kind where it is of one that fits.
    public func applying(
        _ update: ConfigurationUpdate
    ) -> (values: [String: ConfigurationValue], problems: [Problem]) {
        if update.isEmpty { return (defaults, []) }
        var fit = Fit()
        let values = fit.members(update.applied(to: defaults), as: defaults, at: [])
        let bytes = ConfigurationValue.object(values).json.utf8.count
        if bytes > ConfigurationValue.maximumBytes {
            fit.add(
                [],
                "the configuration has \(bytes) bytes as JSON; at most \(ConfigurationValue.maximumBytes) are allowed"
            )
        }
        return (values, fit.problems)
    }

    /// Places of ``ConfigurationUpdate/reset`` that the recipe says nothing of, with what may have been meant.
    public func strangers(among places: [JSONPointer]) -> [(place: JSONPointer, suggestion: String?)] {
        places.compactMap { pointer in
            var members = defaults
            var way: [String] = []
            for key in pointer.keys {
                guard let value = members[key] else {
                    let near = Suggestion.nearest(to: key, in: members.keys.sorted())
                    return (pointer, near.map { JSONPointer.text(way + [$0]) })
                }
                way.append(key)
                members = value.members ?? [:]
            }
            return nil
        }
    }

    /// One comparison of values with the recipe's. It goes as deep as these; both are read to 32 levels.
    private struct Fit {
        var problems: [Problem] = []

        mutating func add(_ keys: [String], _ message: String) {
            if problems.count < RecipeConfiguration.maximumProblems {
                problems.append(Problem(place: JSONPointer.text(keys), message: message))
            }
        }

        mutating func members(
            _ members: [String: ConfigurationValue], as defaults: [String: ConfigurationValue],
            at keys: [String]
        ) -> [String: ConfigurationValue] {
            var result: [String: ConfigurationValue] = [:]
            let names = defaults.keys.sorted()
            for (key, value) in members.sorted(by: { $0.key < $1.key }) {
                guard let standard = defaults[key] else {
                    result[key] = value
                    // To look for a near name takes as long as there are names.
                    guard problems.count < RecipeConfiguration.maximumProblems else { continue }
                    let near = Suggestion.nearest(to: key, in: names)
                    let known = defaults.isEmpty ? "it has none" : "known are \(Self.named(names))"
                    add(
                        keys + [key],
                        "the recipe's configuration has no \"\(JSONPointer.text(keys + [key]))\"; "
                            + (near.map { "did you mean \"\(JSONPointer.text(keys + [$0]))\"?" } ?? known))
                    continue
                }
                result[key] = self.value(value, as: standard, at: keys + [key])
            }
            return result
        }

        private static func named(_ keys: [String]) -> String {
            keys.prefix(8).joined(separator: ", ") + (keys.count > 8 ? ", …" : "")
        }

        private mutating func value(
            _ value: ConfigurationValue, as standard: ConfigurationValue, at keys: [String]
        ) -> ConfigurationValue {
            // What the recipe says itself is as it should be.
            if value == standard { return value }
            switch (standard, value) {
            case (.null, _): return Self.untyped(value)
            case (.bool, .bool), (.string, .string): return value
            case (.int, .int), (.int, .double):
                if case .int = value.canonical { return value.canonical }
                add(
                    keys,
                    "\"\(JSONPointer.text(keys))\" is a whole number in the recipe, not \(value.json); write a whole one, "
                        + "or \(standard.json).0 in the recipe")
                return value
            case (.double, .int(let number)): return .double(Double(number))
            case (.double, .double): return value
            case (.list(let standards), .list(let elements)):
                return list(elements, as: standards, at: keys)
            case (.object(let standards), .object(let members)):
                if standards.isEmpty { return Self.untyped(value) }
                return .object(self.members(members, as: standards, at: keys))
            default:
                add(
                    keys,
                    "\"\(JSONPointer.text(keys))\" is \(Self.kind(of: standard)) in the recipe, not \(value.shown)"
                )
                return value
            }
        }

        private mutating func list(
            _ elements: [ConfigurationValue], as standards: [ConfigurationValue], at keys: [String]
        ) -> ConfigurationValue {
            guard let first = standards.first, first.members == nil, first.elements == nil,
                standards.allSatisfy({ Self.kind(of: $0) == Self.kind(of: first) })
            else { return .list(elements.map(Self.untyped)) }
            return .list(
                elements.enumerated().map { index, element in
                    value(element, as: first, at: keys + [String(index)])
                })
        }

        /// A value of which the recipe says nothing.
        private static func untyped(_ value: ConfigurationValue) -> ConfigurationValue {
            switch value {
            case .int(let number): .double(Double(number))
            case .list(let elements): .list(elements.map(untyped))
            case .object(let members): .object(members.mapValues(untyped))
            case .null, .bool, .double, .string: value
            }
        }

        private static func kind(of value: ConfigurationValue) -> String {
            switch value {
            case .null: "null"
            case .bool: "a truth value"
            case .int: "a whole number"
            case .double: "a number"
            case .string: "a text"
            case .list: "a list"
            case .object: "an object"
            }
        }
    }
}

extension ConfigurationValue {
    /// The elements of a list; nil for everything else.
    fileprivate var elements: [ConfigurationValue]? {
        if case .list(let elements) = self { elements } else { nil }
    }
}
