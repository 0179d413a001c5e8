import ArgumentParser
import Identity
import PKI
import RPCSupport

/// The program `hedgerow`: parses, runs, says errors in one sentence, and returns an exit code.
public enum HedgerowProgram {
    /// Runs a command line.
    ///
    /// - Parameter arguments: without the program's name.
    /// - Returns: the exit code, one of ``ProgramStatus``.
    public static func run(_ arguments: [String]) async -> Int32 {
        let arguments = commandFirst(arguments)
        return await CommandIO.$current.withValue(CommandIO.current.prepared(for: arguments)) {
            await runPrepared(arguments)
        }
    }

    private static func runPrepared(_ arguments: [String]) async -> Int32 {
        do {
            try checkCommand(arguments)
            var command = try HedgerowCommand.parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            return ProgramStatus.success.rawValue
        } catch {
            return report(error)
        }
    }

    /// The options that nearly every command has, which may stand before the command too.
    private static let common = ["--home", "--context", "--color"]

    /// Moves common options from before the command to behind what belongs to it, where the parser takes them.
    static func commandFirst(_ arguments: [String]) -> [String] {
        var moved: [String] = []
        var rest = arguments[...]
        while let first = rest.first {
            if common.contains(first), rest.count > 2 {
                moved += rest.prefix(2)
                rest = rest.dropFirst(2)
            } else if common.contains(where: { first.hasPrefix($0 + "=") }), rest.count > 1 {
                moved.append(rest.removeFirst())
            } else {
                break
            }
        }
        let end = rest.firstIndex(of: "--") ?? rest.endIndex
        return rest[..<end] + moved + rest[end...]
    }

    /// Refuses a command that does not exist with what was probably meant, which ArgumentParser does not say.
    private static func checkCommand(_ arguments: [String]) throws(CLIError) {
        guard let name = arguments.first, !name.hasPrefix("-") else { return }
        let known = HedgerowCommand.commands.map { $0._commandName } + ["help"]
        if known.contains(name) { return }
        let near = Suggestion.nearest(to: name, in: known).map { "did you mean hedgerow \($0)?" }
        throw CLIError(.wrongUse, "there is no command \"\(name)\"", hint: near ?? "see hedgerow --help")
    }

    /// Says an error and returns its exit code.
    static func report(_ error: any Error) -> Int32 {
        let io = CommandIO.current
        switch error {
        case let error as CLIError:
            return say(error, io)
        case let error as CallerError:
            return say(CLIError(error), io)
        case let error as IdentityFileError:
            return say(CLIError(error), io)
        case is OutputClosed:
            return ProgramStatus.success.rawValue
        case let code as ArgumentParser.ExitCode:
            return code.rawValue
        case is CancellationError:
            return say(CLIError(.failure, "it was interrupted"), io)
        default:
            return reportParsing(error, io)
        }
    }

    private static func say(_ error: CLIError, _ io: CommandIO) -> Int32 {
        for line in error.lines { CLIError.note(line, io) }
        return error.status.rawValue
    }

    /// Help and version are results; what ArgumentParser refuses is wrong use (its code 64 becomes 2).
    private static func reportParsing(_ error: any Error, _ io: CommandIO) -> Int32 {
        let code = HedgerowCommand.exitCode(for: error)
        let full = HedgerowCommand.fullMessage(for: error)
        if code.isSuccess {
            try? io.print(full)
            return ProgramStatus.success.rawValue
        }
        guard code == .validationFailure else {
            return say(CLIError(.failure, "it failed: \(error)"), io)
        }
        var message = HedgerowCommand.message(for: error)
        if message.hasSuffix(".") { message.removeLast() }
        let lines = message.split(separator: "\n").joined(separator: " ")
        let help = full.firstMatch(of: /See '([^']+)' for more information/).map { "see \($0.output.1)" }
        return say(
            CLIError(
                .wrongUse, lines.first.map { $0.lowercased() + lines.dropFirst() } ?? "wrong use",
                hint: help ?? "see hedgerow --help"), io)
    }
}
