import Expressions

/// Answers the host functions of expressions; asks the host once a batch for the same thing.
final class HostAdapter: HostEnvironment {
    private let host: any TransformHost
    private let thing: String
    private var answers: [Duration?: Result<Double, EvaluationError>] = [:]
    /// Most answers that are remembered; beyond that, each call asks.
    private static let mostAnswers = 1_024

    private var documents: [String: Result<Value, EvaluationError>] = [:]

    /// - Parameter thing: the thing of the batch.
    init(_ host: any TransformHost, thing: String) {
        self.host = host
        self.thing = thing
    }

    func call(_ function: String, _ arguments: [Value]) throws(EvaluationError) -> Value {
        if function == HostFunctions.shadow.name { return try shadow(arguments.first) }
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

    private func shadow(_ argument: Value?) throws(EvaluationError) -> Value {
        var name = ""
        if case .string(let text)? = argument { name = text }
        if let document = documents[name] { return try document.get() }
        let document: Result<Value, EvaluationError>
        do throws(HostFailure) {
            document = .success(.map(try host.shadow(of: thing, named: name) ?? ValueMap()))
        } catch {
            document = .failure(.host(error.description))
        }
        // The names are those that the recipe has.
        documents[name] = document
        return try document.get()
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
