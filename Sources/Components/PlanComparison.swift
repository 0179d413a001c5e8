/// Finds out what happens to each instance.
struct PlanComparison {
    private let running: PlannedRevision?
    private let wanted: PlannedRevision
    private let before: [String: LockedComponent]
    private(set) var steps: [DeploymentPlan.Step] = []

    private static let configurationChanges = "its configuration changes"

    init(running: PlannedRevision?, wanted: PlannedRevision) {
        self.running = running
        self.wanted = wanted
        before = Dictionary((running?.lock ?? []).map { ($0.instance, $0) }) { first, _ in first }
    }

    mutating func run() {
        // The instances that each depends on, hard or not, and hard only.
        var needs: [String: Set<String>] = [:]
        var follows: [String: Set<String>] = [:]
        let byComponent = Dictionary(grouping: wanted.lock, by: \.component)
        for locked in wanted.lock {
            needs[locked.instance] = []
            for dependency in wanted.requirements[locked.instance]?.dependencies ?? [] {
                for target in byComponent[dependency.component] ?? [] {
                    needs[locked.instance, default: []].insert(target.instance)
                    if dependency.kind == .hard {
                        follows[locked.instance, default: []].insert(target.instance)
                    }
                }
            }
        }
        let entries = Dictionary(wanted.lock.map { ($0.instance, $0) }) { first, _ in first }
        var changed = Set<String>()
        // What is depended on comes first, so that one pass is enough.
        for name in StartOrder.order(of: needs) {
            guard let locked = entries[name] else { continue }
            var causes = differences(of: locked)
            for target in (follows[name] ?? []).sorted() where changed.contains(target) {
                causes.append("it depends on component:\(target), which \(steps.verb(of: target))")
            }
            let old = before[name]
            let action: DeploymentPlan.Action =
                if old == nil {
                    .start
                } else if causes.isEmpty {
                    .unchanged
                } else if causes == [Self.configurationChanges], wanted.defaults[name]?.isLive == true {
                    .configure
                } else {
                    .restart
                }
            // Who depends on one that goes on goes on too.
            if action == .start || action == .restart { changed.insert(name) }
            steps.append(
                DeploymentPlan.Step(
                    instance: name, component: locked.component, action: action, from: old?.version,
                    to: locked.version, isAdded: locked.isAdded, causes: causes))
        }
        for old in running?.lock ?? [] where entries[old.instance] == nil {
            steps.append(
                DeploymentPlan.Step(
                    instance: old.instance, component: old.component, action: .stop, from: old.version,
                    to: nil,
                    isAdded: old.isAdded,
                    causes: [old.isAdded ? "nothing depends on it any more" : "the group no longer has it"]))
        }
    }

    /// In what an instance differs from what runs; for one that does not run, that it is new.
    private func differences(of locked: LockedComponent) -> [String] {
        guard let old = before[locked.instance] else {
            return [locked.isAdded ? "a dependency brings it" : "the group has it now"]
        }
        var causes: [String] = []
        if old.component != locked.component {
            causes.append("it is \(locked.component) now, not \(old.component)")
        } else if old.version != locked.version {
            causes.append("its version changes from \(old.version) to \(locked.version)")
        } else if old.recipeDigest != locked.recipeDigest {
            causes.append("its recipe is another one")
        }
        // With another recipe only what the group says of its configuration can be compared.
        let isSameRecipe = causes.isEmpty
        let now = wanted.settings(of: locked.instance, withDefaults: isSameRecipe)
        let then = running?.settings(of: locked.instance, withDefaults: isSameRecipe)
        if now.configuration != then?.configuration { causes.append(Self.configurationChanges) }
        if now.environment != then?.environment { causes.append("its environment changes") }
        return causes
    }
}

extension [DeploymentPlan.Step] {
    /// What an instance does that another one follows.
    fileprivate func verb(of instance: String) -> String {
        first { $0.instance == instance }?.action == .start ? "starts" : "restarts"
    }
}
