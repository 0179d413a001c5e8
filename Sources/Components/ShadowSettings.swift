/// Which shadows of a group are kept the same on a core and in the cloud, and on which core.
public struct ShadowSettings: Hashable, Sendable, Codable {
    /// Most rules.
    public static let mostRules = 1_000

    /// The rules; the first one that matches a thing counts, and one that matches none is not synced.
    public var sync: [ShadowSyncRule]
    /// The core that syncs, and alone serves these shadows; nil for the first core of the group.
    public var home: String?

    /// Makes settings.
    public init(sync: [ShadowSyncRule] = [], home: String? = nil) {
        self.sync = sync
        self.home = home
    }

    /// How the shadows of a thing are synced; nil where they are not.
    ///
    /// - Parameter thing: a thing or a core of the group: who is in it is not asked here.
    public func rule(for thing: String) -> ShadowSyncRule? {
        sync.first { $0.things.matches(thing) }
    }

    /// The core that syncs; nil where there is none at all.
    ///
    /// - Parameter cores: the cores of the group, in its order.
    public func home(among cores: [String]) -> String? { home ?? cores.first }
}

extension GroupDefinition {
    /// How the shadows of every thing and core of the group are synced, by its name; those that are not synced are
    /// missing.
    public var shadowRules: [String: ShadowSyncRule] {
        guard let shadows, !shadows.sync.isEmpty else { return [:] }
        var rules: [String: ShadowSyncRule] = [:]
        for member in things + cores { rules[member] = shadows.rule(for: member) }
        return rules
    }

    /// The core that syncs shadows and alone serves those that are synced; nil where none are.
    public var shadowHome: String? {
        guard let shadows, !shadows.sync.isEmpty else { return nil }
        return shadows.home(among: cores)
    }

    /// In one spelling: which core is the home is said, and nothing where nothing is synced.
    var canonicalShadows: ShadowSettings? {
        guard let shadows, let home = shadowHome else { return nil }
        return ShadowSettings(sync: shadows.sync, home: home)
    }
}
