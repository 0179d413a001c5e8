/// A revision as a plan sees it: what each of its instances runs, with what.
public struct PlannedRevision: Hashable, Sendable {
    /// Its number.
    public var number: UInt64
    /// What the instances run.
    public var lock: [LockedComponent]
    /// The group's instances, with what each changes; those that dependencies added are not among them.
    public var instances: [ComponentInstance]
    /// By instance: what its recipe says of dependencies, platforms and files.
    public var requirements: [String: ComponentCandidate]
    /// By instance: the configuration and the variables that its recipe has; needed where one of two revisions changes
    /// them.
    public var defaults: [String: RecipeConfiguration]

    /// Makes a revision.
    public init(
        number: UInt64, lock: [LockedComponent], instances: [ComponentInstance],
        requirements: [String: ComponentCandidate] = [:], defaults: [String: RecipeConfiguration] = [:]
    ) {
        self.number = number
        self.lock = lock
        self.instances = instances
        self.requirements = requirements
        self.defaults = defaults
    }

    /// The files that a core has for the revision: those of its platform, or, where that is not known, all.
    func artifacts(on platform: Platform?) -> [ArtifactReference] {
        lock.flatMap { locked in
            guard let platform, let requirements = requirements[locked.instance] else {
                return locked.artifacts
            }
            return requirements.artifacts(on: platform)
        }
    }

    /// What an instance runs with, for comparing by value.
    ///
    /// - Parameter withDefaults: whether configuration and environment are all of it, or only what the group says.
    func settings(
        of instance: String, withDefaults: Bool
    ) -> (configuration: [String: ConfigurationValue], environment: [String: String]) {
        let written = instances.first { $0.name == instance }
        let update = written?.configuration ?? ConfigurationUpdate()
        let recipe = withDefaults ? defaults[instance] ?? RecipeConfiguration() : RecipeConfiguration()
        return (
            recipe.applying(update).values.mapValues(\.canonical),
            recipe.variables.merging(written?.environment ?? [:]) { $1 }
        )
    }
}
