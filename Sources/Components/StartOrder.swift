/// In which order what depends on each other starts.
public enum StartOrder {
    /// The names so that each comes after all that it depends on; those in a circle, or that depend on one or on what
    /// is not there, are left out.
    ///
    /// Of several that could come next, the first by name does.
    ///
    /// - Parameter dependencies: what each name depends on, by name.
    public static func order(of dependencies: [String: Set<String>]) -> [String] {
        var order: [String] = []
        var started = Set<String>()
        var waiting = dependencies.keys.sorted()
        while true {
            let before = waiting.count
            waiting.removeAll { name in
                guard dependencies[name]?.isSubset(of: started) == true else { return false }
                started.insert(name)
                order.append(name)
                return true
            }
            if waiting.isEmpty || waiting.count == before { return order }
        }
    }
}
