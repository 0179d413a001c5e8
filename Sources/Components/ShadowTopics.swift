import Messaging

/// The reserved topics of shadows, as far as the check of a group looks at them: `$aws/things/THING/shadow/…`.
enum ShadowTopics {
    /// What begins them.
    static let firstLevel = "$aws"
    /// What stands before the thing's name.
    static let prefix = "\(firstLevel)/things/"
    /// What a filter of them looks like.
    static let example = "\(prefix)THING/shadow/#"

    /// The level that names the thing, in a filter that matches topics of shadows only; nil for every other filter.
    static func thing(of filter: TopicFilter) -> TopicFilter.Level? {
        let levels = filter.levels
        guard levels.count > 4, levels[0] == .literal(firstLevel), levels[1] == .literal("things"),
            levels[3] == .literal("shadow")
        else { return nil }
        return levels[2]
    }
}
