import Foundation
import Synchronization

@testable import HedgerowCLI

/// What a command wrote.
final class CapturedIO: Sendable {
    private let texts = Mutex<(output: String, error: String)>(("", ""))
    let input: String
    let environment: [String: String]

    init(input: String, environment: [String: String]) {
        self.input = input
        self.environment = environment
    }

    var output: String { texts.withLock { $0.output } }
    var error: String { texts.withLock { $0.error } }

    var io: CommandIO {
        CommandIO(
            writeOutput: { text in self.texts.withLock { $0.output += text } },
            writeError: { text in self.texts.withLock { $0.error += text } },
            readInput: { Data(self.input.utf8) }, environment: environment)
    }

    /// Runs a command line.
    func run(_ arguments: String...) async -> Int32 {
        await CommandIO.$current.withValue(io) { await HedgerowProgram.run(arguments) }
    }
}

extension CommandIO {
    static func captured(input: String = "", environment: [String: String] = [:]) -> CapturedIO {
        CapturedIO(input: input, environment: environment)
    }
}
