import Crypto
import FoundationEssentials
import Synchronization

/// The tokens of the programs that run now.
///
/// A token is 32 random bytes, drawn for each run of a program and never on disk; what is kept here is its SHA-256, so
/// that finding it says nothing about how much of a wrong one was right.
final class ComponentTokens: Sendable {
    private struct State {
        var callers: [[UInt8]: ComponentCaller] = [:]
        var runs: UInt64 = 0
    }

    private let state = Mutex(State())

    init() {}

    /// Gives a program its token; good until ``withdraw(_:)``.
    func issue(for component: RunningComponent) -> (token: String, caller: ComponentCaller) {
        var generator = SystemRandomNumberGenerator()
        let token = (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }
            .map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
        let caller = state.withLock { state in
            state.runs += 1
            let caller = ComponentCaller(
                instance: component.instance, run: state.runs, component: component)
            state.callers[Self.key(token)] = caller
            return caller
        }
        return (token, caller)
    }

    /// The program of a token; nil where no program that runs has it.
    func caller(with token: String) -> ComponentCaller? {
        let key = Self.key(token)
        return state.withLock { $0.callers[key] }
    }

    /// A program has ended.
    func withdraw(_ caller: ComponentCaller) {
        state.withLock { state in
            state.callers = state.callers.filter { $0.value.run != caller.run }
        }
    }

    private static func key(_ token: String) -> [UInt8] { Array(SHA256.hash(data: Data(token.utf8))) }
}
