import Components
import Shadows

/// What is synced with a core: things of its revision, by its rules.
struct ShadowSyncSelection: Sendable {
    /// How each thing's shadows are synced.
    let rules: [String: ShadowSyncRule]
    /// For how long changes are gathered, each once, in milliseconds; 0 for each at once.
    let intervals: [Int64]

    /// Takes the things of a revision that are still registered, and not in another group by now.
    init(_ revision: RevisionRecord, directory: FleetDirectory) {
        rules = revision.definition.shadowRules.filter { thing, _ in
            directory.isRegistered(thing: thing)
                && (directory.group(ofThing: thing) ?? revision.group) == revision.group
        }
        intervals = Set(rules.values.map(\.interval.milliseconds)).sorted()
    }

    /// The things.
    var things: Set<String> { Set(rules.keys) }
}
