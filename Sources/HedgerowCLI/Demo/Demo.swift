import ArgumentParser
import Foundation
import Subprocess

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// The demo's course, from an empty directory to the summary.
struct Demo: Sendable {
    private static let core = "pi-1"
    private static let thing = "bme680-1"
    private static let group = "demo"
    /// How long any one step may take.
    private static let patience = Duration.seconds(30)

    let plan: DemoPlan
    let files: DemoDirectory
    let screen: DemoScreen
    let keep: Bool

    func run() async throws -> DemoSummary {
        try await withThrowingTaskGroup(of: DemoSummary?.self) { tasks in
            var running: [DemoProcess] = []
            func start(_ process: DemoProcess) {
                running.append(process)
                tasks.addTask {
                    try await process.run()
                    return nil
                }
            }
            do {
                let summary = try await course(start: start) { readings in
                    tasks.addTask {
                        try await readings.follow()
                        return nil
                    }
                }
                if !keep { try await end(running) }
                tasks.cancelAll()
                return summary
            } catch {
                // Whatever happened, nothing goes on running.
                for process in running { process.send(SIGKILL) }
                tasks.cancelAll()
                throw error
            }
        }
    }

    // MARK: The course

    private func course(
        start: (DemoProcess) -> Void, follow: (DemoReadings) -> Void
    ) async throws -> DemoSummary {
        screen.step("Starting a cloud (hedgerow-cloud) with an empty store.")
        screen.dim("Everything is in \(files.path).")
        var cloud = program("cloud", "hedgerow-cloud", cloudArguments(port: 0, enrollment: 0))
        start(cloud)
        let ports = try await cloudPorts(cloud)
        try await enrolEverybody(ports)

        screen.step(
            "Starting an edge core (hedgerow-core): it makes its key, enrols with the token, and attaches.")
        let core = program(
            "core", "hedgerow-core",
            [
                "run", "--state", files.file("core"), "--token", files.file("\(Self.core).token"),
                "--listen-host",
                "127.0.0.1", "--listen-port", "0", "--log-level", "notice",
            ])
        start(core)
        try await wait("the core to listen", for: core) { files.json("core/ports.json") != nil }
        screen.step("Deploying the group to its core.")
        try await hedgerow(["deploy", Self.group, "--wait"])

        screen.step("Starting a thing with a simulated BME680: enrol, discover the core, connect, publish.")
        let thing = program(
            "thing", "hedgerow",
            [
                "thing", "run", "--token", files.file("\(Self.thing).token"), "--state", files.file("thing"),
                "--seed",
                "680", "--interval", "\(plan.interval)", "--ack-log", files.file("acknowledged.log"),
                "--stats-file",
                files.file("thing.json"),
            ])
        start(thing)
        let readings = DemoReadings(
            home: try HomeOptions.parse(["--home", files.file("home")]), screen: screen)
        follow(readings)
        screen.note("Readings as the cloud has them on its disk:")
        try await wait("the first reading", for: thing) { readings.count > 0 }
        try await Task.sleep(for: plan.beforeCommand)

        screen.step("Sending a command down: cloud → core → thing, kept until the thing has it.")
        try await hedgerow([
            "publish", "commands/\(Self.thing)/set", "--value", "interval=\(plan.commandedInterval)",
        ])
        try await wait("the thing to act on the command", for: thing) {
            files.text(thing.log).contains("sampling every")
        }
        screen.good("The thing acted on it: it samples every \(plan.commandedInterval) s from now on.")
        readings.repeatHeader()
        try await Task.sleep(for: plan.beforeCut)

        let secondsCutOff = try await cut(
            &cloud, ports: ports, thing: thing, readings: readings, start: start)
        try await Task.sleep(for: plan.afterCut)
        return try await reckon(thing: thing, secondsCutOff: secondsCutOff)
    }

    private func enrolEverybody(_ ports: (mtls: Int, enrollment: Int)) async throws {
        screen.step("Enrolling as the operator, and registering a core and a thing.")
        try await hedgerow(["init", files.file("cloud/operator.token")])
        try await hedgerow([
            "things", "create", Self.core, "--core", "--token-file", files.file("\(Self.core).token"),
        ])
        try await hedgerow([
            "things", "create", Self.thing, "--token-file", files.file("\(Self.thing).token"),
        ])
        screen.step("Applying a group: which things, which core, and what may flow where.")
        let definition = """
            kind: Group
            name: \(Self.group)
            cores: [\(Self.core)]
            things: [\(Self.thing)]
            subscriptions:
              - {from: 'thing:*', topic: '+/readings', to: cloud}
              - {from: cloud, topic: 'commands/\(Self.thing)/#', to: 'thing:\(Self.thing)'}

            """
        try files.write(definition, to: "group.yaml")
        for line in definition.split(separator: "\n") { screen.dim(String(line)) }
        try await hedgerow(["apply", "-f", files.file("group.yaml")])
    }

    /// Kills the cloud, waits, starts it again; returns how long it was away.
    private func cut(
        _ cloud: inout DemoProcess, ports: (mtls: Int, enrollment: Int), thing: DemoProcess,
        readings: DemoReadings,
        start: (DemoProcess) -> Void
    ) async throws -> Double {
        screen.step("Cutting the cloud off: its process is killed (SIGKILL). The thing and the core go on.")
        let began = ContinuousClock.now
        let killed = cloud
        killed.send(SIGKILL)
        try await wait("the cloud to be gone", for: nil) { killed.ended != nil }
        let stored = readings.count
        while ContinuousClock.now - began < plan.cut {
            try await Task.sleep(for: min(.seconds(2), plan.cut / 2))
            let statistics = files.json("thing.json") ?? [:]
            let acknowledged = (statistics["acknowledged"] as? NSNumber)?.intValue ?? 0
            screen.note(
                "cloud away: the core has acknowledged \(acknowledged) readings to the thing; "
                    + "\(max(0, acknowledged - stored)) wait on its disk")
        }
        screen.step("The cloud is back: started again on the same store.")
        cloud = program(
            "cloud", "hedgerow-cloud", cloudArguments(port: ports.mtls, enrollment: ports.enrollment))
        start(cloud)
        readings.repeatHeader()
        let before = readings.count
        try await wait("readings to arrive again", for: cloud) { readings.count > before }
        let (seconds, fraction) = (ContinuousClock.now - began).components
        return Double(seconds) + Double(fraction) / 1e18
    }

    // MARK: The reckoning

    private func reckon(thing: DemoProcess, secondsCutOff: Double) async throws -> DemoSummary {
        screen.step("Comparing what the thing knows to be acknowledged with what the cloud has.")
        if !keep {
            thing.send(SIGTERM)
            try await wait("the thing to flush and end", for: nil) { thing.ended != nil }
        }
        let deadline = ContinuousClock.now + Self.patience
        // Read once, before the history: with --keep the thing goes on publishing.
        let acknowledgements = files.text("acknowledged.log")
        var verdict = try await verdict(on: acknowledgements)
        while !verdict.lost.isEmpty, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(300))
            verdict = try await self.verdict(on: acknowledgements)
        }
        let statistics = files.json("thing.json") ?? [:]
        let ledger = try await object(["ledger", Self.thing, "--output", "json"])
        let days = ledger["days"] as? [[String: Any]] ?? []
        let (seconds, fraction) = screen.elapsed.components
        let summary = DemoSummary(
            // The thing writes its counts once a second: what is acknowledged was sent.
            sent: max(Self.number(statistics["published"]), UInt64(verdict.acknowledged.count)),
            acknowledged: verdict.acknowledged.count,
            stored: verdict.stored.count, duplicates: verdict.duplicates.count, lost: verdict.lost.count,
            ledgerReceived: Self.number(ledger["received"]), ledgerLost: Self.number(ledger["lost"]),
            ledgerMissing: Self.number(ledger["missing"]),
            copiesDropped: days.reduce(0) { $0 + Self.number($1["duplicates"]) },
            commandActedOn: files.text(thing.log).contains("sampling every"), secondsCutOff: secondsCutOff,
            seconds: Double(seconds) + Double(fraction) / 1e18)
        show(summary)
        if keep { sayHowToLookAround() }
        return summary
    }

    private func show(_ summary: DemoSummary) {
        screen.step("Summary")
        screen.note(
            "sent          \(summary.sent)   by the thing, \(Int(summary.secondsCutOff)) s of it without a cloud"
        )
        screen.note("acknowledged  \(summary.acknowledged)   by the core, each on its disk before")
        screen.note("stored        \(summary.stored)   in the cloud's history")
        screen.note("duplicates    \(summary.duplicates)   in the cloud's history")
        screen.note("lost          \(summary.lost)   acknowledged and not stored")
        screen.dim(
            "The cloud's own ledger: received \(summary.ledgerReceived), lost \(summary.ledgerLost), missing "
                + "\(summary.ledgerMissing), copies dropped \(summary.copiesDropped).")
        if summary.isClean {
            screen.good("Nothing acknowledged was lost or doubled.")
        } else {
            screen.bad("Something acknowledged was lost or doubled, or the command was not acted on.")
        }
    }

    private func sayHowToLookAround() {
        screen.step("Everything goes on running. To look around:")
        screen.note("export HEDGEROW_HOME=\(files.file("home")) PATH=\(Self.binaries):$PATH")
        for line in [
            "hedgerow tail '#'", "hedgerow history --thing \(Self.thing) --limit 10",
            "hedgerow ledger \(Self.thing)",
            "hedgerow groups show \(Self.group)",
            "hedgerow publish commands/\(Self.thing)/set --value interval=2",
        ] { screen.note(line) }
        screen.note("Logs: \(files.path)/*.log")
        screen.note("To stop: kill $(cat \(files.path)/*.pid) && rm -r \(files.path)")
    }

    private func verdict(on acknowledgements: String) async throws -> DemoVerdict {
        let output = try await output([
            "history", "--thing", Self.thing, "--topic", "+/readings", "--output", "json",
        ])
        let rows = try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [[String: Any]] ?? []
        return DemoVerdict(
            acknowledgements: acknowledgements,
            history: rows.map {
                DemoVerdict.Identity(
                    epoch: $0["epoch"] as? String ?? "", sequence: Self.number($0["sequence"]))
            })
    }

    private static func number(_ value: Any?) -> UInt64 { (value as? NSNumber)?.uint64Value ?? 0 }

    // MARK: Programs

    /// The directory of the running program, where the others lie too.
    private static var binaries: String {
        let own =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
            ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: own).deletingLastPathComponent().path
    }

    private func program(_ name: String, _ executable: String, _ arguments: [String]) -> DemoProcess {
        DemoProcess(
            name: name, executable: "\(Self.binaries)/\(executable)", arguments: arguments,
            log: "\(name).log",
            files: files, isKept: keep)
    }

    private func cloudArguments(port: Int, enrollment: Int) -> [String] {
        [
            "serve", "--state", files.file("cloud"), "--listen-host", "127.0.0.1", "--listen-port", "\(port)",
            "--enrollment-host", "127.0.0.1", "--enrollment-port", "\(enrollment)", "--advertise",
            "127.0.0.1",
            "--log-level", "notice",
        ]
    }

    private func cloudPorts(_ cloud: DemoProcess) async throws -> (mtls: Int, enrollment: Int) {
        try await wait("the cloud to listen", for: cloud) {
            files.json("cloud/ports.json") != nil
                && FileManager.default.fileExists(atPath: files.file("cloud/operator.token"))
        }
        let ports = files.json("cloud/ports.json") ?? [:]
        return (Int(Self.number(ports["mtls"])), Int(Self.number(ports["enrollment"])))
    }

    private func end(_ processes: [DemoProcess]) async throws {
        for process in processes.reversed() {
            process.send(SIGTERM)
            let deadline = ContinuousClock.now + .seconds(10)
            while process.ended == nil, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(20))
            }
            process.send(SIGKILL)
        }
    }

    /// Waits for a condition; says which program failed where it does not come true.
    private func wait(_ what: String, for process: DemoProcess?, _ condition: () -> Bool) async throws {
        let deadline = ContinuousClock.now + Self.patience
        while !condition() {
            try await Task.sleep(for: .milliseconds(30))
            if let process, let ended = process.ended {
                throw failure("\(process.name) ended (\(ended)) while waiting for \(what)", process)
            }
            guard ContinuousClock.now < deadline else { throw failure("waited 30 s for \(what)", process) }
        }
    }

    private func failure(_ message: String, _ process: DemoProcess?) -> CLIError {
        let logs = process.map { [$0.log] } ?? ["cloud.log", "core.log", "thing.log"]
        let lines = logs.flatMap { log in
            ["last lines of \(log):"] + files.lastLines(of: log).map { "  \($0)" }
        }
        return CLIError(.failure, lines: ["the demo failed: \(message)"] + lines)
    }

    // MARK: The command line, as a user types it

    @discardableResult
    private func hedgerow(_ arguments: [String]) async throws -> String {
        screen.command(arguments.map { $0.replacingOccurrences(of: files.path + "/", with: "") })
        let output = try await output(arguments)
        for line in output.split(separator: "\n").filter({ !$0.hasPrefix("Next:") }) {
            screen.note("  \(line)")
        }
        return output
    }

    private func object(_ arguments: [String]) async throws -> [String: Any] {
        let output = try await output(arguments)
        return try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any] ?? [:]
    }

    private func output(_ arguments: [String]) async throws -> String {
        let result = try await Subprocess.run(
            .path(FilePath("\(Self.binaries)/hedgerow")), arguments: .init(arguments),
            environment: .inherit.updating(["HEDGEROW_HOME": files.file("home"), "NO_COLOR": "1"]),
            input: .none,
            output: .string(limit: 64 << 20), error: .string(limit: 1 << 20))
        guard result.terminationStatus.isSuccess else {
            throw CLIError(
                .failure,
                lines: [
                    "the demo failed: hedgerow \(arguments.joined(separator: " "))",
                    "  " + result.standardError.trimmingCharacters(in: .whitespacesAndNewlines),
                ])
        }
        return result.standardOutput
    }
}
