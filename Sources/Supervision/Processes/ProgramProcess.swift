import Subprocess
import Synchronization

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One process that was started, the leader of a session and a group of its own.
final class ProgramProcess: Sendable {
    private struct State {
        var pid: Int32?
        var exit: ProgramExit?
        var failure: String?
    }

    let launch: ProgramLaunch
    /// What it and its children carry in their environment.
    let marker: ProgramMarker
    private let bell: Bell
    private let state = Mutex(State())

    /// Longer than any program runs. The library's own ending is never wanted: it knows the process and not
    /// what the process began, and it would begin with the cancellation, before the program was asked.
    private static let never: Duration = .seconds(100 * 365 * 86_400)

    /// - Parameter bell: rung when it runs and when it has ended.
    init(_ launch: ProgramLaunch, marker: ProgramMarker, bell: Bell) {
        self.launch = launch
        self.marker = marker
        self.bell = bell
    }

    /// Its number, also after its end; nil until it runs.
    var pid: Int32? { state.withLock { $0.pid } }

    /// How it ended; nil while it runs.
    var exit: ProgramExit? { state.withLock { $0.exit } }

    /// Why it could not be started; nil where it was.
    var failure: String? { state.withLock { $0.failure } }

    /// Whether nothing more will come of it.
    var isOver: Bool { state.withLock { $0.exit != nil || $0.failure != nil } }

    /// It cannot be started, for a reason that came before.
    func fail(_ reason: String) {
        state.withLock { $0.failure = reason }
        bell.ring()
    }

    /// Starts it and returns when it has ended. Being cancelled changes nothing: who wants it ended ends it.
    ///
    /// - Parameter output: where it writes; is closed here.
    func run(output: FileDescriptor) async {
        var options = PlatformOptions()
        options.createSession = true
        // Signal 0 does nothing, for so long.
        options.teardownSequence = [
            .send(signal: Signal(rawValue: 0), allowedDurationToNextStep: Self.never)
        ]
        let environment = launch.environment.map { (Environment.Key(stringLiteral: $0.key), $0.value) }
        do {
            let result = try await Subprocess.run(
                .path(FilePath(launch.executable)), arguments: Arguments(launch.arguments),
                environment: .custom(Dictionary(environment) { first, _ in first }),
                workingDirectory: FilePath(launch.directory), platformOptions: options, input: .none,
                output: .fileDescriptor(output, closeAfterSpawningProcess: true), error: .combinedWithOutput
            ) { execution in
                state.withLock { $0.pid = execution.processIdentifier.value }
                bell.ring()
            }
            state.withLock { state in
                switch result.terminationStatus {
                case .exited(let code): state.exit = .code(code)
                case .signaled(let signal): state.exit = .signal(signal)
                }
            }
        } catch {
            state.withLock { state in
                if state.pid == nil { state.failure = "\(error)" } else { state.exit = .code(-1) }
            }
        }
        bell.ring()
    }
}
