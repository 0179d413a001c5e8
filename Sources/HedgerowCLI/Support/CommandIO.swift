public import Foundation
import PKI
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What a command reads and writes, so that a test can stand in for the terminal.
public struct CommandIO: Sendable {
    /// Writes a text to standard output, as it is.
    ///
    /// It throws ``OutputClosed`` where nobody reads any more.
    public var writeOutput: @Sendable (String) throws -> Void
    /// Writes a text to standard error, as it is.
    public var writeError: @Sendable (String) -> Void
    /// Reads standard input to its end.
    public var readInput: @Sendable () throws -> Data
    /// The environment.
    public var environment: [String: String]
    /// Whether standard output is a terminal.
    public var outputIsTerminal: Bool
    /// Whether standard error is a terminal.
    public var errorIsTerminal: Bool
    /// The time of day.
    public var now: @Sendable () -> Date
    /// Whether standard output goes to another program, which may write to the terminal too.
    public var outputIsPiped: Bool
    /// Columns of the terminal that standard error is.
    public var errorWidth: @Sendable () -> Int
    /// Counts the seconds of progress.
    public var time: ProgressTime
    /// What `--color` says.
    var colour = ColourChoice.auto
    /// Where progress is shown; nil where it is not.
    private(set) var status: StatusLine?

    /// Makes an exchange with the world.
    public init(
        writeOutput: @escaping @Sendable (String) throws -> Void,
        writeError: @escaping @Sendable (String) -> Void,
        readInput: @escaping @Sendable () throws -> Data = { Data() }, environment: [String: String] = [:],
        outputIsTerminal: Bool = false, errorIsTerminal: Bool = false,
        now: @escaping @Sendable () -> Date = { Date() }, outputIsPiped: Bool = false,
        errorWidth: @escaping @Sendable () -> Int = { 80 },
        time: ProgressTime = ProgressTime(ContinuousClock())
    ) {
        self.writeOutput = writeOutput
        self.writeError = writeError
        self.readInput = readInput
        self.environment = environment
        self.outputIsTerminal = outputIsTerminal
        self.errorIsTerminal = errorIsTerminal
        self.now = now
        self.outputIsPiped = outputIsPiped
        self.errorWidth = errorWidth
        self.time = time
    }

    /// The exchange that a command line runs with: coloured as it says, and with progress where that is shown.
    func prepared(for arguments: [String]) -> CommandIO {
        var io = self
        io.colour = ColourChoice.find(in: arguments)
        guard errorIsTerminal, !outputIsPiped, environment["TERM"] != "dumb", status == nil else { return io }
        let status = StatusLine(
            time: time, width: errorWidth, style: io.isErrorColoured ? .faint : .plain, write: writeError)
        io.status = status
        io.writeOutput = { [writeOutput] text in try status.around(text, writeOutput) }
        io.writeError = { [writeError] text in status.around(text, writeError) }
        return io
    }

    /// What commands use.
    @TaskLocal public static var current = CommandIO.process

    /// The process's own streams and environment.
    public static let process = CommandIO(
        writeOutput: { try Self.write($0, to: 1) }, writeError: { try? Self.write($0, to: 2) },
        readInput: { try FileHandle.standardInput.read(upToCount: CommandIO.maximumInput + 1) ?? Data() },
        environment: ProcessInfo.processInfo.environment, outputIsTerminal: isatty(1) == 1,
        errorIsTerminal: isatty(2) == 1, outputIsPiped: Self.isPipe(1), errorWidth: Self.terminalWidth)

    /// Most bytes that are read from standard input or a file: 4 MiB.
    public static let maximumInput = 4 << 20

    /// Writes a line to standard output.
    public func print(_ line: String = "") throws {
        try writeOutput(line + "\n")
    }

    /// Writes a line to standard error: progress, and hints that are no results.
    public func note(_ line: String) {
        writeError(line + "\n")
    }

    /// Reads a file as a text, standard input where it is `-`.
    ///
    /// - Throws: ``CLIError``.
    public func readText(_ path: String) async throws -> String {
        guard let text = String(data: try await readData(path), encoding: .utf8) else {
            throw CLIError(.wrongUse, "\(path) is not UTF-8", hint: "save it as UTF-8")
        }
        return text
    }

    /// Reads a file, standard input where it is `-`.
    ///
    /// - Throws: ``CLIError``.
    public func readData(_ path: String) async throws -> Data {
        let data: Data
        do {
            data = try await BlockingIO.run { [readInput] in
                if path == "-" { return try readInput() }
                guard let handle = FileHandle(forReadingAtPath: path) else {
                    throw CocoaError(.fileReadNoSuchFile)
                }
                defer { try? handle.close() }
                return try handle.read(upToCount: Self.maximumInput + 1) ?? Data()
            }
        } catch {
            throw CLIError(
                .wrongUse, "the file \(path) cannot be read", hint: "check that it exists and its mode")
        }
        guard data.count <= Self.maximumInput else {
            throw CLIError(.wrongUse, "\(path) has more than \(Self.maximumInput) bytes (4 MiB)")
        }
        return data
    }

    /// Whether results are coloured: as `--color` says, else on a terminal, unless `NO_COLOR` is set
    /// (https://no-color.org) or the terminal is dumb.
    public var isColoured: Bool { colour.applies(toTerminal: outputIsTerminal, environment: environment) }

    /// The same for what goes to standard error.
    public var isErrorColoured: Bool { colour.applies(toTerminal: errorIsTerminal, environment: environment) }

    /// A pipe or socket: what can neither be sought in nor is a terminal.
    private static func isPipe(_ descriptor: Int32) -> Bool {
        isatty(descriptor) != 1 && lseek(descriptor, 0, SEEK_CUR) < 0 && errno == ESPIPE
    }

    @Sendable private static func terminalWidth() -> Int {
        var size = winsize()
        return ioctl(2, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }

    private static func write(_ text: String, to descriptor: Int32) throws {
        var text = text
        try text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                #if canImport(Glibc)
                    let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
                #elseif canImport(Musl)
                    let count = Musl.write(descriptor, rest.baseAddress, rest.count)
                #else
                    let count = Darwin.write(descriptor, rest.baseAddress, rest.count)
                #endif
                if count < 0 && errno == EINTR { continue }
                if count <= 0 { throw OutputClosed() }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }
}

/// Nobody reads standard output any more (`hedgerow history | head`): the command ends quietly.
public struct OutputClosed: Error {
    /// Makes the error.
    public init() {}
}
