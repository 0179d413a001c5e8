/// Some of the versions of a component, by their place in its list.
struct VersionSet: Hashable, Sendable {
    private var words: [UInt64]
    /// How many they are.
    private(set) var count: Int

    /// The versions of a list that a test takes.
    init<Element>(of list: [Element], where isIncluded: (Element) -> Bool) {
        var words = [UInt64](repeating: 0, count: (list.count + 63) / 64)
        var count = 0
        for (index, element) in list.enumerated() where isIncluded(element) {
            words[index / 64] |= 1 << UInt64(index % 64)
            count += 1
        }
        self.words = words
        self.count = count
    }

    var isEmpty: Bool { count == 0 }

    func contains(_ index: Int) -> Bool { words[index / 64] & (1 << UInt64(index % 64)) != 0 }

    /// What both have.
    func intersection(_ other: VersionSet) -> VersionSet {
        var result = self
        result.count = 0
        for index in result.words.indices {
            result.words[index] &= other.words[index]
            result.count += result.words[index].nonzeroBitCount
        }
        return result
    }

    /// Takes out the first, which is the newest version.
    mutating func popFirst() -> Int? {
        guard count > 0, let word = words.firstIndex(where: { $0 != 0 }) else { return nil }
        let bit = words[word].trailingZeroBitCount
        words[word] &= words[word] - 1
        count -= 1
        return word * 64 + bit
    }
}
