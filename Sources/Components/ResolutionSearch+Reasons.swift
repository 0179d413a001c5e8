extension ResolutionSearch {
    /// What was found, with its reasons.
    func resolution() -> Resolution {
        let order = variables.indices.sorted { first, second in
            (variables[first].index ?? .max, variables[first].name)
                < (variables[second].index ?? .max, variables[second].name)
        }
        var lock: [LockedComponent] = []
        var reasons: [String: [ResolutionReason]] = [:]
        for index in order {
            let variable = variables[index]
            guard let chosen = candidate(of: index) else { continue }
            lock.append(
                LockedComponent(
                    instance: variable.name, component: variable.component, version: chosen.version,
                    recipeDigest: chosen.recipeDigest, isAdded: variable.index == nil,
                    artifacts: chosen.allArtifacts))
            reasons[variable.name] = variable.requirements.map { reason($0, for: variable.component) }
        }
        return Resolution(lock: lock, reasons: reasons, steps: steps)
    }

    // MARK: Obstacles

    /// Remembers that an instance cannot be had.
    mutating func note(_ cause: ResolutionConflict.Cause, about target: Int, blame: Set<Int>) {
        let isAvoidable = if case .versionInUse = cause { true } else { false }
        guard let alternatives = alternatives(to: blame, isAvoidable: isAvoidable) else { return }
        let variable = variables[target]
        let reasons = excluding(variable.requirements, of: variable.component).map {
            reason($0, for: variable.component)
        }
        let index = variable.index ?? variable.requirements.first.flatMap { root(of: $0) }
        let conflict = ResolutionConflict(
            index: index, instance: variable.name, component: variable.component, cause: cause,
            reasons: reasons, versions: registry[variable.component]?.all ?? [],
            misfits: registry[variable.component]?.misfits ?? [])
        obstacle = Obstacle(
            problem: .conflict(conflict), alternatives: alternatives, isAvoidable: isAvoidable)
    }

    /// Remembers that an instance cannot be added.
    mutating func note(_ cause: ResolutionConflict.Cause, component: String, requirement: Requirement) {
        let blame = Set([requirement.source].compactMap { $0 })
        guard let alternatives = alternatives(to: blame, isAvoidable: false) else { return }
        let conflict = ResolutionConflict(
            index: root(of: requirement), instance: component, component: component, cause: cause,
            reasons: [reason(requirement, for: component)], versions: registry[component]?.all ?? [],
            misfits: registry[component]?.misfits ?? [])
        obstacle = Obstacle(problem: .conflict(conflict), alternatives: alternatives, isAvoidable: false)
    }

    /// Remembers a circle.
    mutating func note(circle: [Int], blame: Set<Int>) {
        guard let alternatives = alternatives(to: blame, isAvoidable: false) else { return }
        // It begins where it was entered, so that the reason leads there from the group.
        let entry =
            circle.indices.min { first, second in
                (variables[circle[first]].index == nil ? 1 : 0, variables[circle[first]].chosen?.depth ?? 0)
                    < (
                        variables[circle[second]].index == nil ? 1 : 0,
                        variables[circle[second]].chosen?.depth ?? 0
                    )
            } ?? 0
        let turned = Array(circle[entry...] + circle[..<entry])
        var wishes: [ResolutionReason.Wish] = []
        for (position, variable) in turned.enumerated() {
            let component = variables[turned[(position + 1) % turned.count]].component
            guard let candidate = candidate(of: variable),
                let dependency = candidate.dependencies.first(where: { $0.component == component })
            else { continue }
            wishes.append(
                .init(
                    asker: .component(
                        instance: variables[variable].name, version: candidate.version, kind: dependency.kind),
                    component: component, range: dependency.version))
        }
        let first = variables[turned[0]]
        let requirement = first.requirements.first
        let problem = ResolutionCircle(
            index: first.index ?? requirement.flatMap { root(of: $0) }, wishes: wishes,
            reason: requirement.map { reason($0, for: first.component) })
        obstacle = Obstacle(problem: .circular(problem), alternatives: alternatives, isAvoidable: false)
    }

    /// How many other versions there are of the choices that lead to a failure; nil where a failure is known that
    /// has fewer, so that this one need not be described.
    private func alternatives(to blame: Set<Int>, isAvoidable: Bool) -> Int? {
        var seen = blame
        var open = Array(blame)
        var sum = 0
        while let depth = open.popLast() {
            sum += choices[depth].count - 1
            for source in sources(of: choices[depth].variable) where seen.insert(source).inserted {
                open.append(source)
            }
        }
        guard let obstacle else { return sum }
        if sum == obstacle.alternatives { return obstacle.isAvoidable && !isAvoidable ? sum : nil }
        return sum < obstacle.alternatives ? sum : nil
    }

    /// Two wishes that exclude each other; all where no two do.
    private func excluding(_ requirements: [Requirement], of component: String) -> [Requirement] {
        let sets = requirements.map { requirement in
            VersionSet(of: registry[component]?.candidates ?? []) { requirement.range.contains($0.version) }
        }
        if let none = sets.firstIndex(where: \.isEmpty) { return [requirements[none]] }
        for (first, set) in sets.enumerated() {
            for second in sets.indices.dropFirst(first + 1) where set.intersection(sets[second]).isEmpty {
                return [requirements[first], requirements[second]]
            }
        }
        return requirements
    }

    // MARK: Reasons

    /// A wish, and why its asker is there.
    private func reason(_ requirement: Requirement, for component: String) -> ResolutionReason {
        var chain: [ResolutionReason.Wish] = []
        var next: Requirement? = requirement
        var component = component
        // Each asker was chosen before what it asks for, so that this comes to an end at the group.
        while let requirement = next {
            var asker = ResolutionReason.Asker.group
            next = nil
            let wanted = component
            if let source = requirement.source {
                let variable = choices[source].variable
                asker = .component(
                    instance: variables[variable].name, version: version(of: variable),
                    kind: requirement.kind)
                next = variables[variable].requirements.first
                component = variables[variable].component
            }
            chain.append(.init(asker: asker, component: wanted, range: requirement.range))
        }
        return ResolutionReason(chain: chain)
    }

    /// The instance of the group that a wish goes back to.
    private func root(of requirement: Requirement) -> Int? {
        var next: Requirement? = requirement
        while let source = next?.source {
            let variable = variables[choices[source].variable]
            if let index = variable.index { return index }
            next = variable.requirements.first
        }
        return nil
    }
}
