/// Where the parts of a group's definition are in its file, by the paths that `GroupDefinition.validate()` uses.
struct GroupPlaces: Hashable {
    private var places: [String: Place] = [:]

    /// The place of exactly that path.
    subscript(path: String) -> Place? {
        get { places[path] }
        set { places[path] = newValue }
    }

    /// The place of a path, or of the nearest part that encloses it.
    func nearest(to path: String) -> Place {
        var path = Substring(path)
        while places[String(path)] == nil, let cut = path.lastIndex(where: { $0 == "." || $0 == "[" }) {
            path = path[..<cut]
        }
        return places[String(path)] ?? places[""] ?? .start
    }

    /// A message with line numbers in place of indices into the list of subscriptions.
    func readable(_ message: String) -> String {
        var result = ""
        var rest = Substring(message)
        while let start = rest.firstRange(of: "subscriptions["),
            let end = rest[start.upperBound...].firstIndex(of: "]")
        {
            let path = rest[start.lowerBound...end]
            result += rest[..<start.lowerBound]
            result += places[String(path)].map { "line \($0.line)" } ?? String(path)
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }
}
