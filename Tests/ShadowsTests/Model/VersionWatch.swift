import Shadows

/// Notes every version that a side stores: within a creation they only grow.
struct VersionWatch {
    private struct Place: Hashable {
        let shadow: Int
        let incarnation: ShadowIncarnation
    }

    private var newest: [Place: UInt64] = [:]
    /// The first that did not grow.
    private(set) var fault: String?

    mutating func note(_ shadow: Int, _ stored: StoredShadow) {
        let place = Place(shadow: shadow, incarnation: stored.incarnation)
        if let last = newest[place], stored.version <= last, fault == nil {
            fault = "shadow \(shadow): version \(stored.version) after \(last) of \(stored.incarnation)"
        }
        newest[place] = max(newest[place] ?? 0, stored.version)
    }
}
