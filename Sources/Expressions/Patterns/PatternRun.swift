/// The states that an automaton is in while it reads a text.
struct PatternRun {
    private let states: [Pattern.State]
    /// The states that wait for a scalar, each once.
    private(set) var active: [Int] = []
    private var next: [Int] = []
    /// The step in which a state was entered last; a state is entered once a step.
    private var entered: [Int]
    private var step = 1
    /// How many states the last step entered, and at least 1: what it costs.
    private(set) var cost = 1
    /// States to go on with after the scalar just taken.
    private var stack: [Int] = []

    init(_ states: [Pattern.State]) {
        self.states = states
        entered = Array(repeating: 0, count: states.count)
    }

    /// Enters a state between two scalars, and all that can be reached without taking one; true where the
    /// pattern has matched.
    mutating func enter(_ state: Int, _ previous: Unicode.Scalar?, _ following: Unicode.Scalar?) -> Bool {
        // States that the last scalar led to wait in `next`, as their places need the scalar after it.
        cost = 1
        for waiting in next { stack.append(waiting) }
        next.removeAll(keepingCapacity: true)
        stack.append(state)
        while let current = stack.popLast() {
            if entered[current] == step { continue }
            entered[current] = step
            cost += 1
            switch states[current] {
            case .scalar: active.append(current)
            case .split(let first, let second):
                stack.append(second)
                stack.append(first)
            case .jump(let target): stack.append(target)
            case .place(let place):
                if Self.isAt(place, previous, following) { stack.append(current + 1) }
            case .accept: return true
            }
        }
        return false
    }

    /// Takes a scalar in every active state; large sets cost extra.
    mutating func take(_ scalar: Unicode.Scalar, _ meter: inout Meter) throws(EvaluationError) {
        for state in active {
            guard case .scalar(let set) = states[state] else { continue }
            try meter.charge(set.cost)
            if set.contains(scalar) { next.append(state + 1) }
        }
        active.removeAll(keepingCapacity: true)
        step += 1
    }

    private static func isAt(
        _ place: Pattern.Place, _ previous: Unicode.Scalar?, _ following: Unicode.Scalar?
    ) -> Bool {
        func isWord(_ scalar: Unicode.Scalar?) -> Bool { scalar.map(ScalarSet.words.contains) ?? false }
        return switch place {
        case .textStart: previous == nil
        case .textEnd: following == nil
        case .lineStart: previous == nil || previous == "\n"
        case .lineEnd: following == nil || following == "\n"
        case .wordBoundary: isWord(previous) != isWord(following)
        case .noWordBoundary: isWord(previous) == isWord(following)
        }
    }
}
