/// Makes an automaton's states of a regular expression.
struct PatternBuilder {
    var states: [Pattern.State] = []
    /// How many nodes have been added, each as often as repetitions ask for it: what building costs. What makes
    /// no state, such as `()`, counts too, as repetitions of it in each other would otherwise take for ever.
    private(set) var work = 0

    /// Adds the states of a node; those after it follow directly.
    mutating func add(_ node: PatternNode) throws(EvaluationError) {
        work += 1
        if states.count > Pattern.maximumStates || work > Pattern.maximumWork {
            throw .invalid("the regular expression is too large; use fewer or smaller repetitions")
        }
        switch node {
        case .empty: break
        case .set(let set): states.append(.scalar(set))
        case .place(let place): states.append(.place(place))
        case .sequence(let parts): for part in parts { try add(part) }
        case .choice(let options):
            var exits: [Int] = []
            for (index, option) in options.enumerated() {
                if index == options.count - 1 {
                    try add(option)
                } else {
                    let fork = states.count
                    states.append(.jump(0))
                    try add(option)
                    exits.append(states.count)
                    states.append(.jump(0))
                    states[fork] = .split(fork + 1, states.count)
                }
            }
            for exit in exits { states[exit] = .jump(states.count) }
        case .repetition(let part, let minimum, let maximum):
            for _ in 0..<minimum { try add(part) }
            guard let maximum else {
                let fork = states.count
                states.append(.jump(0))
                try add(part)
                states.append(.jump(fork))
                states[fork] = .split(fork + 1, states.count)
                return
            }
            var forks: [Int] = []
            for _ in minimum..<max(minimum, maximum) {
                forks.append(states.count)
                states.append(.jump(0))
                try add(part)
            }
            for fork in forks { states[fork] = .split(fork + 1, states.count) }
        }
    }
}
