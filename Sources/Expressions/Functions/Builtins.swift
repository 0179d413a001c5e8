/// The standard functions of this version.
enum Builtins {
    /// All of them.
    static let list: [Builtin] =
        operators + comparisons + collections + conversions + texts + textTools + times + numbers + bits

    /// By name; operators by CEL's names for them (`_+_`).
    static let byName: [String: Builtin] = Dictionary(
        list.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

    /// Functions of CEL and its extension libraries that this version leaves out.
    static let later: Set<String> = [
        "optional.of", "optional.none", "optional.ofNonZeroValue", "base64.encode", "base64.decode",
        "sets.contains", "sets.equivalent", "sets.intersects", "lists.range", "distinct", "flatten", "slice",
        "sort", "first", "last", "regex.extract", "regex.extractAll", "regex.replace", "cel.block",
        "cel.index",
        "cel.iterVar", "ip", "cidr", "isIP", "orValue", "hasValue", "value", "or", "ip.isCanonical",
    ]

    /// The names of types as values.
    static let typeNames: [String: Value] = Dictionary(
        uniqueKeysWithValues: [
            "int", "uint", "double", "string", "bytes", "bool", "list", "map", "null_type", "type",
            "google.protobuf.Timestamp", "google.protobuf.Duration",
        ].map { ($0, Value.type($0)) })
}
