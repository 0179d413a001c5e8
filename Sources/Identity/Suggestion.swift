/// Finds what somebody probably meant by a name that nobody knows.
public enum Suggestion {
    /// The candidate nearest to a word, by edits of one character (insertion, deletion, replacement, two
    /// neighbours exchanged; case does not count). Nil where none is near: more than a third of the
    /// word's length (at least 1) away, or the word longer than 64 characters.
    public static func nearest(to word: String, in candidates: some Sequence<String>) -> String? {
        let own = Array(word.lowercased())
        if own.isEmpty || own.count > 64 { return nil }
        let furthest = max(1, own.count / 3)
        var best: (candidate: String, distance: Int)?
        for candidate in candidates {
            let other = Array(candidate.lowercased())
            if abs(other.count - own.count) > furthest { continue }
            let distance = distance(own, other)
            if distance <= furthest, distance < best?.distance ?? Int.max { best = (candidate, distance) }
        }
        return best?.candidate
    }

    /// The Damerau-Levenshtein distance (optimal string alignment).
    private static func distance(_ first: [Character], _ second: [Character]) -> Int {
        var before = [Int](repeating: 0, count: second.count + 1)
        var last = Array(0...second.count)
        for row in first.indices {
            var current = [row + 1]
            current.reserveCapacity(second.count + 1)
            for column in second.indices {
                let same = first[row] == second[column]
                var cost = min(last[column + 1] + 1, current[column] + 1, last[column] + (same ? 0 : 1))
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
