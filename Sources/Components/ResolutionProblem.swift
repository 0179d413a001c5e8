/// Why the instances of a group cannot be resolved.
public enum ResolutionProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// No version of its component fits what the group asks of an instance.
    case unresolved(UnresolvedComponent)
    /// What is asked of an instance fits no version together.
    case conflict(ResolutionConflict)
    /// Components depend on each other in a circle.
    case circular(ResolutionCircle)
    /// The search would take too long.
    case tooManySteps(limit: Int)

    /// The same as a problem of the group's definition, at the place that is wrong.
    public var problem: DefinitionProblem {
        let path =
            switch self {
            case .unresolved(let problem): problem.problem.path
            case .conflict(let conflict): conflict.index.map { "components[\($0)]" } ?? "components"
            case .circular(let circle): circle.index.map { "components[\($0)]" } ?? "components"
            case .tooManySteps: "components"
            }
        return DefinitionProblem(path: path, message: description)
    }

    /// One sentence for people.
    public var description: String {
        switch self {
        case .unresolved(let problem): problem.description
        case .conflict(let conflict): conflict.description
        case .circular(let circle): circle.description
        case .tooManySteps(let limit):
            "no set of versions was found that suits all components after \(limit) attempts; name narrower "
                + "ranges in the group or in the recipes' dependencies"
        }
    }

    /// The instance of the group that the problem begins at; nil where it is about all of them.
    var index: Int? {
        switch self {
        case .unresolved(let problem): problem.index
        case .conflict(let conflict): conflict.index
        case .circular(let circle): circle.index
        case .tooManySteps: nil
        }
    }
}
