/// A regular expression of RE2's syntax, matched in time proportional to text times pattern.
///
/// The choice: an automaton of our own instead of Swift's `Regex` (which backtracks, so that a pattern can take
/// exponential time) or RE2 through a C++ shim (a dependency for one function). All states that the pattern can
/// be in run side by side over the text, one scalar at a time (Thompson's construction); nothing backtracks, and
/// every state entered is paid for. Groups capture nothing, as nothing asks for it; so greedy and lazy
/// repetition are the same.
struct Pattern: Sendable {
    /// One state of the automaton.
    enum State: Sendable {
        /// Takes one scalar of a set and goes on to the next state.
        case scalar(ScalarSet)
        /// Goes on at either state without taking anything.
        case split(Int, Int)
        case jump(Int)
        /// Goes on where the place in the text is one.
        case place(Place)
        case accept
    }

    /// A place that a pattern asks for.
    enum Place: Sendable {
        case textStart
        case textEnd
        case lineStart
        case lineEnd
        case wordBoundary
        case noWordBoundary
    }

    /// The most states: what `{n,m}` unrolls to counts.
    static let maximumStates = 4_000
    /// The most nodes that are added to the automaton, those that make no state too.
    static let maximumWork = 4 * maximumStates
    /// What a pattern that is refused costs, in the meter's units: about the time of building the largest.
    static let refusalCost = 512

    let states: [State]
    /// What building it took beyond reading the text, in the meter's units.
    let buildingCost: Int

    /// Reads a pattern.
    ///
    /// - Throws: what is wrong with it, with the place in the pattern.
    init(_ text: String) throws(EvaluationError) {
        var reader = PatternReader(text)
        let node = try reader.read()
        var builder = PatternBuilder()
        try builder.add(node)
        builder.states.append(.accept)
        states = builder.states
        buildingCost = builder.work
    }

    /// Whether some part of a text matches.
    func matches(_ text: String, _ meter: inout Meter) throws(EvaluationError) -> Bool {
        var run = PatternRun(states)
        var previous: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            if run.enter(0, previous, scalar) { return true }
            try meter.charge(run.cost)
            try run.take(scalar, &meter)
            previous = scalar
        }
        return run.enter(0, previous, nil)
    }
}
