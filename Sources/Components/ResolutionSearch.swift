/// One search for versions that suit everything that is asked.
///
/// It goes forward instance by instance, and back to the last choice that has to do with a failure
/// (conflict-directed backjumping): choices that have nothing to do with it are not tried again. It keeps its own
/// stack, whose depth is bounded by the number of instances.
struct ResolutionSearch {
    /// A wish of one instance, or of the group.
    struct Requirement {
        /// The choice (its depth) that asks; nil for the group.
        let source: Int?
        let range: VersionRange
        let kind: ComponentDependency.Kind
    }

    /// An instance that needs a version.
    struct Variable {
        let name: String
        let component: String
        /// Index in the group's list; nil where a dependency added it.
        let index: Int?
        var requirements: [Requirement] = []
        /// The versions that lie in every range.
        var allowed: VersionSet
        /// The chosen one, and the depth of the choice.
        var chosen: (version: Int, depth: Int)?
    }

    /// A choice of a version.
    struct Choice {
        let variable: Int
        /// What is not yet tried.
        var open: VersionSet
        /// How many there were to choose from.
        let count: Int
        /// Earlier choices that made versions fail here.
        var blame: Set<Int> = []
        var changes: [Change] = []
    }

    /// What a choice did to another instance.
    enum Change {
        case added
        case narrowed(variable: Int, from: VersionSet)
    }

    /// What hinders, and how hard it is to avoid.
    struct Obstacle {
        let problem: ResolutionProblem
        /// How many other versions there are of those that have to do with it.
        let alternatives: Int
        /// Whether versions fit and only one that is chosen already does not.
        let isAvoidable: Bool
    }

    private struct RangeKey: Hashable {
        let component: String
        let range: VersionRange
    }

    let registry: [String: RegisteredVersions]
    let maximumSteps: Int
    private(set) var variables: [Variable] = []
    private(set) var choices: [Choice] = []
    /// Versions that were tried.
    private(set) var steps = 0
    /// The instances of each component.
    private(set) var instances: [String: [Int]] = [:]
    private var sets: [RangeKey: VersionSet] = [:]
    /// What to say where there is no solution: of all failures the one that the fewest other choices could avoid.
    var obstacle: Obstacle?

    init(
        _ instances: [(offset: Int, element: ComponentInstance)], registry: [String: RegisteredVersions],
        maximumSteps: Int
    ) {
        self.registry = registry
        self.maximumSteps = maximumSteps
        for (index, instance) in instances {
            let range = instance.version
            let variable = Variable(
                name: instance.name, component: instance.component, index: index,
                requirements: [Requirement(source: nil, range: range, kind: .hard)],
                allowed: versions(of: instance.component, in: range))
            self.instances[instance.component, default: []].append(variables.count)
            variables.append(variable)
        }
    }

    /// Searches; afterwards every variable has a version.
    ///
    /// - Throws: what hinders.
    mutating func run() throws(ResolutionProblem) {
        while let next = mostConstrained() {
            let allowed = variables[next].allowed
            choices.append(Choice(variable: next, open: allowed, count: allowed.count))
            try advance()
        }
    }

    /// The instance without a version that has the fewest to choose from.
    private func mostConstrained() -> Int? {
        variables.indices.filter { variables[$0].chosen == nil }.min { first, second in
            (variables[first].allowed.count, variables[first].name)
                < (variables[second].allowed.count, variables[second].name)
        }
    }

    /// Takes the next version of the last choice; where none is left, goes back as far as it has to.
    private mutating func advance() throws(ResolutionProblem) {
        while let depth = choices.indices.last {
            guard let version = choices[depth].open.popFirst() else {
                let choice = choices.removeLast()
                let blame = choice.blame.union(sources(of: choice.variable))
                guard let target = blame.max() else { break }
                while choices.count > target + 1 {
                    undo(choices.count - 1)
                    choices.removeLast()
                }
                undo(target)
                choices[target].blame.formUnion(blame.subtracting([target]))
                continue
            }
            steps += 1
            if steps > maximumSteps { throw .tooManySteps(limit: maximumSteps) }
            guard let blame = attempt(version, at: depth) else { return }
            undo(depth)
            choices[depth].blame.formUnion(blame.subtracting([depth]))
        }
        throw obstacle?.problem ?? .tooManySteps(limit: maximumSteps)
    }

    /// Takes a version. Nil where nothing speaks against it; else the choices that do.
    private mutating func attempt(_ version: Int, at depth: Int) -> Set<Int>? {
        let variable = choices[depth].variable
        variables[variable].chosen = (version, depth)
        for dependency in candidate(of: variable)?.dependencies ?? [] {
            if let blame = require(dependency, by: depth) { return blame }
        }
        return blameOfCircle(through: variable)
    }

    private mutating func undo(_ depth: Int) {
        for change in choices[depth].changes.reversed() {
            switch change {
            case .added:
                let variable = variables.removeLast()
                instances[variable.component] = nil
            case .narrowed(let variable, let before):
                variables[variable].requirements.removeLast()
                variables[variable].allowed = before
            }
        }
        choices[depth].changes = []
        variables[choices[depth].variable].chosen = nil
    }

    // MARK: Wishes

    /// Binds the instances that a dependency is about. Nil where that is possible; else the choices that hinder it.
    private mutating func require(_ dependency: ComponentDependency, by depth: Int) -> Set<Int>? {
        let component = dependency.component
        let requirement = Requirement(source: depth, range: dependency.version, kind: dependency.kind)
        if instances[component] == nil {
            if let cause = hindrance(toAdding: component) {
                note(cause, component: component, requirement: requirement)
                // With another instance less it would not be one too many.
                if case .tooManyInstances = cause { return Set(0...depth) }
                return [depth]
            }
            instances[component] = [variables.count]
            variables.append(
                Variable(
                    name: component, component: component, index: nil,
                    allowed: VersionSet(of: registry[component]?.candidates ?? []) { _ in true }))
            choices[depth].changes.append(.added)
        }
        let wanted = versions(of: component, in: dependency.version)
        for target in instances[component] ?? [] {
            let before = variables[target].allowed
            variables[target].requirements.append(requirement)
            variables[target].allowed = before.intersection(wanted)
            choices[depth].changes.append(.narrowed(variable: target, from: before))
            if variables[target].allowed.isEmpty {
                let blame = sources(of: target)
                note(.noVersion, about: target, blame: blame)
                return blame
            }
            if let chosen = variables[target].chosen, !wanted.contains(chosen.version) {
                let blame: Set = [chosen.depth, depth]
                note(.versionInUse(version(of: target)), about: target, blame: blame)
                return blame
            }
        }
        return nil
    }

    private func hindrance(toAdding component: String) -> ResolutionConflict.Cause? {
        guard let known = registry[component], !known.all.isEmpty else {
            return .unknownComponent(suggestion: nil)
        }
        if let other = variables.first(where: { $0.name == component }) {
            return .nameTaken(component: other.component)
        }
        let limit = GroupDefinition.Limits.components
        return variables.count >= limit ? .tooManyInstances(limit: limit) : nil
    }

    /// The choices that ask something of an instance.
    func sources(of variable: Int) -> Set<Int> {
        Set(variables[variable].requirements.compactMap(\.source))
    }

    mutating func versions(of component: String, in range: VersionRange) -> VersionSet {
        let key = RangeKey(component: component, range: range)
        if let known = sets[key] { return known }
        let set = VersionSet(of: registry[component]?.candidates ?? []) { range.contains($0.version) }
        sets[key] = set
        return set
    }

    // MARK: Circles

    /// Where an instance depends on itself by way of others that have versions: the choices on the way.
    private mutating func blameOfCircle(through start: Int) -> Set<Int>? {
        if sources(of: start).isEmpty { return nil }
        // From whom each was reached.
        var before: [Int: Int] = [:]
        var open = [start]
        while let variable = open.popLast() {
            for target in dependencies(of: variable) {
                if target == start {
                    var members = [variable]
                    while let last = members.last, last != start, let step = before[last] {
                        members.append(step)
                    }
                    let circle = Array(members.reversed())
                    let blame = Set(circle.compactMap { variables[$0].chosen?.depth })
                    note(circle: circle, blame: blame)
                    return blame
                }
                if before[target] == nil {
                    before[target] = variable
                    open.append(target)
                }
            }
        }
        return nil
    }

    /// The instances that one with a version depends on.
    private func dependencies(of variable: Int) -> [Int] {
        (candidate(of: variable)?.dependencies ?? []).flatMap { instances[$0.component] ?? [] }
    }

    /// The chosen version of an instance.
    func candidate(of variable: Int) -> ComponentCandidate? {
        variables[variable].chosen.flatMap {
            registry[variables[variable].component]?.candidates[$0.version]
        }
    }

    func version(of variable: Int) -> SemanticVersion {
        candidate(of: variable)?.version ?? .lowest
    }
}
