/// Finds the known name that somebody probably meant.
enum NearName {
    /// `; did you mean 'x'?` for the nearest of the known names, or nothing where none is near: more than a
    /// third of the word's length (at least 1) of characters inserted, deleted, replaced or exchanged. Case does
    /// not count.
    static func hint(for word: String, in names: some Sequence<String>) -> String {
        nearest(to: word, in: names).map { "; did you mean '\($0)'?" } ?? ""
    }

    /// The nearest name; of equally near ones the first in alphabetical order.
    static func nearest(to word: String, in names: some Sequence<String>) -> String? {
        let own = Array(word.lowercased().utf8)
        if own.isEmpty || own.count > 64 { return nil }
        let furthest = max(1, own.count / 3)
        var best: (name: String, distance: Int)?
        for name in names.sorted() {
            let other = Array(name.lowercased().utf8)
            if abs(other.count - own.count) > furthest { continue }
            let distance = distance(own, other)
            if distance <= furthest, distance < best?.distance ?? .max { best = (name, distance) }
        }
        return best?.name
    }

    /// The optimal string alignment distance.
    private static func distance(_ first: [UInt8], _ second: [UInt8]) -> Int {
        var before: [Int] = []
        var last = Array(0...second.count)
        for row in first.indices {
            var current = [row + 1]
            for column in second.indices {
                let isSame = first[row] == second[column]
                var cost = min(last[column + 1] + 1, current[column] + 1, last[column] + (isSame ? 0 : 1))
                if row > 0, column > 0, first[row] == second[column - 1], first[row - 1] == second[column] {
                    cost = min(cost, before[column - 1] + 1)
                }
                current.append(cost)
            }
            before = last
            last = current
        }
        return last[second.count]
    }
}
