extension GroupDefinition {
    /// Says what is wrong with the definition, everything at once and in the order of the definition, then what
    /// flows in a circle or too far; empty where nothing is. At most 200 problems are listed.
    ///
    /// It checks what can be seen in the definition alone. Whether the things and cores are registered is the
    /// cloud's check; what the recipes behind the component instances publish is that of
    /// ``validate(outputs:)``.
    public func validate() -> [DefinitionProblem] {
        var check = GroupCheck(definition: self)
        check.run()
        return check.problems
    }

    /// Says what is wrong with the definition where the recipes behind its component instances are known:
    /// everything that ``validate()`` says, and the dead ends. A dead end is an instance that nothing reaches,
    /// a topic that an instance publishes on and no subscription takes, and a subscription whose filter
    /// matches nothing that its instance publishes. Such a subscription makes no circle either. A process may
    /// publish anything (``PublishedTopic/unknown``): it has no dead ends, and every subscription from it counts.
    ///
    /// - Parameter outputs: where each instance publishes, by the instance's name; one entry a `publish` step.
    ///   An instance that is missing here is not checked against its recipe.
    public func validate(outputs: [String: [PublishedTopic]]) -> [DefinitionProblem] {
        var check = GroupCheck(definition: self, outputs: outputs)
        check.run()
        return check.problems
    }

    /// What is allowed and yet probably not meant, one sentence each and for people: dead letters that go
    /// nowhere, computed topics that may not be taken.
    ///
    /// - Parameter outputs: as of ``validate(outputs:)``. There are no warnings about an instance that is
    ///   missing here.
    public func warnings(outputs: [String: [PublishedTopic]]) -> [String] {
        let taken = ComponentFilters(definition: self)
        let reached = reachedInstances
        var warnings: [String] = []
        for instance in components {
            guard let published = outputs[instance.name] else { continue }
            let topic = DeadLetter.topic(ofInstance: instance.name)
            // What nothing reaches fails on nothing.
            if reached.contains(instance.name), !taken.takes(topic, from: instance.name) {
                warnings.append(
                    "dead letters of component:\(instance.name) go nowhere, they are only counted; to keep them, "
                        + "add {from: component:\(instance.name), topic: $dead-letter/\(instance.name), to: cloud}"
                )
            }
            if published.contains(.computed), !taken.takesEverything(from: instance.name) {
                warnings.append(
                    "component:\(instance.name) computes topics, and those that no subscription takes go "
                        + "nowhere; to take all, add {from: component:\(instance.name), topic: \"#\", to: cloud}"
                )
            }
        }
        return warnings
    }

    /// The instances to which a subscription leads.
    var reachedInstances: Set<String> {
        Set(
            subscriptions.compactMap { subscription in
                if case .component(let instance) = subscription.to { instance } else { nil }
            })
    }
}
