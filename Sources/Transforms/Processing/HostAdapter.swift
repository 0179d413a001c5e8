import Expressions

/// Answers the host functions of expressions; asks the host once a batch for the same thing.
final class HostAdapter: HostEnvironment {
    private let host: any TransformHost
    private var answers: [Duration?: Result<Double, EvaluationError>] = [:]
    /// Most answers that are remembered; beyond that, each call asks.
    private static let mostAnswers = 1_024

    init(_ host: any TransformHost) { self.host = host }

    func call(_ function: String, _ arguments: [Value]) throws(EvaluationError) -> Value {
        guard function == HostFunctions.cpuTemperature.name else {
            throw .host("the function \(function) is not known here")
        }
        switch arguments.first {
        case nil: return .double(try temperature(over: nil))
        case .duration(let span)?:
            if let problem = HostFunctions.problem(withSpan: span.duration) { throw .host(problem) }
            return .double(try temperature(over: span.duration))
        default: throw .host("\(function) takes a duration, such as duration(\"8s\")")
        }
    }

    private func temperature(over span: Duration?) throws(EvaluationError) -> Double {
        if let answer = answers[span] { return try answer.get() }
        let answer: Result<Double, EvaluationError>
        do throws(HostFailure) {
            answer = .success(try host.cpuTemperature(over: span))
        } catch {
            answer = .failure(.host(error.description))
        }
        if answers.count < Self.mostAnswers { answers[span] = answer }
        return try answer.get()
    }
}
