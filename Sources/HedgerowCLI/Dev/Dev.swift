import ArgumentParser
import Components
import Foundation
import HedgerowAPI
import Synchronization

/// A local cloud and one core, and what is saved goes there.
final class Dev: Sendable {
    /// How long a step of the start may take.
    private static let patience = Duration.seconds(60)
    /// How long a core may take to end its programs, which have 15 s each for that by default.
    private static let endPatience = Duration.seconds(40)

    let state: DevState
    let screen: DevScreen
    let isQuiet: Bool
    /// Things to simulate.
    let simulated: [String]
    private let running = Mutex<[DemoProcess]>([])

    init(state: DevState, screen: DevScreen, isQuiet: Bool, simulated: [String]) {
        self.state = state
        self.screen = screen
        self.isQuiet = isQuiet
        self.simulated = simulated
    }

    /// Runs until it is interrupted, or a program ends that should not.
    ///
    /// - Parameters:
    ///   - reader: reads the files again whenever they were saved.
    ///   - files: what it read first.
    func run(_ reader: DevReader, _ files: DevFiles) async throws {
        let (starts, start) = AsyncStream.makeStream(of: DemoProcess.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await withDiscardingTaskGroup { processes in
                    for await process in starts { processes.addTask { await process.runToItsEnd() } }
                }
            }
            let outcome: Result<Void?, any Error>
            do {
                outcome = .success(
                    try await Interruption.run { try await self.course(reader, files) { start.yield($0) } })
            } catch {
                outcome = .failure(error)
            }
            // In order, the core before the cloud, so that what it has still gets there.
            if case .success = outcome { screen.say("ending") }
            start.finish()
            try await LocalPrograms.end(running.withLock { $0 }, within: Self.endPatience)
            _ = try outcome.get()
        }
    }

    // MARK: The course

    private func course(
        _ reader: DevReader, _ files: DevFiles, _ start: @escaping @Sendable (DemoProcess) -> Void
    ) async throws {
        try state.take(group: files.definition.name, core: files.core)
        let cloud = process("cloud", "hedgerow-cloud", cloudArguments)
        try? FileManager.default.removeItem(atPath: state.files.file("cloud/ports.json"))
        begin(cloud, start)
        try await wait("the local cloud", for: cloud) {
            state.files.json("cloud/ports.json") != nil
                && FileManager.default.fileExists(atPath: state.files.file("cloud/operator.token"))
        }
        let ports = state.files.json("cloud/ports.json") ?? [:]
        try state.take(
            mtls: Int(Demo.number(ports["mtls"])), enrollment: Int(Demo.number(ports["enrollment"])))
        let home = try HomeOptions.parse(["--home", state.files.file("home"), "--context", "default"])
        try await enrol()
        var session = DevSession(home: home, state: state)
        try await session.register(files)
        try await session.writeToken(files.core, .core)
        let core = process("core", "hedgerow-core", coreArguments(files.core)) { line in
            if let news = DevNews(line) { self.screen.show(news) }
        }
        begin(core, start)
        sayWhatRuns(files)
        try await session.writeTokens(files)
        sayHowToGoOn(files)
        for name in simulated { begin(simulation(of: name), start) }
        try await follow(Watch(reader: reader, session: session, files: files), home, [cloud, core])
    }

    private func follow(_ watch: Watch, _ home: HomeOptions, _ processes: [DemoProcess]) async throws {
        let (deployments, deployment) = AsyncStream.makeStream(
            of: (DevSession.Deployed, ContinuousClock.Instant).self, bufferingPolicy: .bufferingNewest(1))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.refuseEnd(of: processes) }
            if !isQuiet {
                group.addTask {
                    let tail = Tail(
                        filters: Tail.everything, thing: "", limit: nil, format: .table, home: home,
                        marksDeadLetters: true)
                    try await tail.run()
                }
            }
            group.addTask {
                for await (deployed, since) in deployments {
                    try await watch.session.follow(
                        deployed, core: watch.files.core, since: since, self.screen)
                }
            }
            group.addTask {
                var watch = watch
                try await watch.run(self.screen) { deployment.yield(($0, $1)) }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func refuseEnd(of processes: [DemoProcess]) async throws {
        while true {
            for process in processes { if let ended = process.ended { throw failure(process, ended) } }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private func enrol() async throws {
        let identity = state.files.file("home")
        guard !ContextStore(path: identity).has("default") else { return }
        _ = try await LocalPrograms.hedgerow(
            ["init", state.files.file("cloud/operator.token"), "--context", "default"], home: identity,
            what: "enrolling at the local cloud")
    }

    // MARK: Programs

    private func process(
        _ name: String, _ program: String, _ arguments: [String],
        onLine: (@Sendable (String) -> Void)? = nil
    ) -> DemoProcess {
        // Each run has a log of its own.
        try? FileManager.default.removeItem(atPath: state.files.file("\(name).log"))
        return DemoProcess(
            name: name, executable: LocalPrograms.path(program), arguments: arguments, log: "\(name).log",
            files: state.files, isKept: false, onLine: onLine)
    }

    private func begin(_ process: DemoProcess, _ start: (DemoProcess) -> Void) {
        running.withLock { $0.append(process) }
        start(process)
    }

    private var cloudArguments: [String] {
        let (mtls, enrollment) = (state.noted?.mtls ?? 0, state.noted?.enrollment ?? 0)
        return [
            "serve", "--development", "--state", state.files.file("cloud"), "--listen-host", "127.0.0.1",
            "--listen-port", "\(mtls)", "--enrollment-host", "127.0.0.1", "--enrollment-port",
            "\(enrollment)",
            "--advertise", "127.0.0.1", "--log-level", "notice",
        ]
    }

    private func coreArguments(_ name: String) -> [String] {
        [
            "run", "--print-programs", "--state", state.files.file("core"), "--token",
            state.files.file("\(name).token"), "--listen-host", "127.0.0.1", "--listen-port", "0",
            "--log-level", "notice",
        ]
    }

    private func simulation(of thing: String) -> DemoProcess {
        process(
            "thing-\(thing)", "hedgerow",
            [
                "thing", "run", "--sensor", "simulated", "--quiet", "--token",
                state.files.file("\(thing).token"),
                "--state", state.files.file("things/\(thing)"),
            ])
    }

    private func wait(
        _ what: String, for process: DemoProcess, _ condition: @Sendable () -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + Self.patience
        while !condition() {
            if let ended = process.ended { throw failure(process, ended) }
            guard ContinuousClock.now < deadline else {
                throw CLIError(
                    .timedOut, "\(what) did not begin to listen within \(Self.patience)",
                    hint: "see \(state.shown(process.log))")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private func failure(_ process: DemoProcess, _ ended: String) -> CLIError {
        let last = state.files.lastLines(of: process.log, count: 1).first.map { ": \($0)" } ?? ""
        if let port = state.noted?.mtls, port > 0, last.contains("cannot listen on") {
            return CLIError(
                .failure, "a port of the local cloud (\(port) or \(state.noted?.enrollment ?? 0)) is in use",
                hint: "end what uses it, or begin anew with --fresh: things that enrolled know the port")
        }
        return CLIError(
            .failure, "hedgerow-\(process.name) ended (\(ended))\(last)",
            hint: "its log is \(state.shown(process.log))")
    }

    // MARK: What is said at the start

    private func sayWhatRuns(_ files: DevFiles) {
        let others = files.definition.cores.count - 1
        screen.say(
            "The group \(files.definition.name) runs here on its core \(files.core), with a cloud of its own at "
                + "127.0.0.1:\(state.noted?.mtls ?? 0)"
                + (others > 0 ? "; its other cores (\(others)) do not run" : "") + ".")
        if files.isCut {
            screen.say(
                "There are more than \(DevSearch.files) manifests or \(DevSearch.entries) files below the group's directory; "
                    + "the rest is not looked at. Name recipes with --recipe.")
        }
    }

    private func sayHowToGoOn(_ files: DevFiles) {
        let shown = 3
        screen.say("To look around:  export HEDGEROW_HOME=\(state.shown("home"))")
        for name in files.things.prefix(shown) where !simulated.contains(name) {
            screen.say(
                "To be \(name):  hedgerow thing run --token \(state.shown("\(name).token")) --state "
                    + state.shown("things/\(name)"))
        }
        if files.things.count > shown {
            screen.say("The tokens of the other things are in \(state.shownPath) too.")
        }
        screen.say("What is saved is applied. Ctrl-C ends everything.")
    }
}

extension DemoProcess {
    /// Runs it; where it cannot be started, that is its end.
    fileprivate func runToItsEnd() async {
        do { try await run() } catch { fail("\(error)") }
    }
}
