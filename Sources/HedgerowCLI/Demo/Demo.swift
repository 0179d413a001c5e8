import ArgumentParser
import BME680
import Foundation

/// The demo's course, from an empty directory to the summary.
struct Demo: Sendable {
    /// How long any one step may take.
    static let patience = Duration.seconds(30)
    /// Where the simulated processor's temperature is written, in the form of the kernel's file.
    private static let cpuTemperature = "cpu_temperature"
    /// Of the simulated air and processor.
    private static let seed: UInt64 = 680

    let plan: DemoPlan
    let files: DemoDirectory
    let screen: DemoScreen
    let keep: Bool
    let traces: TraceCollector

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
                if !keep { try await LocalPrograms.end(running) }
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
        let environment = try await traces.environment()
        var cloud = program(
            "cloud", "hedgerow-cloud", cloudArguments(port: 0, enrollment: 0), environment)
        start(cloud)
        let ports = try await cloudPorts(cloud)
        try await enrolEverybody()
        try await pushAndApply()

        screen.step(
            "Starting an edge core (hedgerow-core): it makes its key, enrols with the token, and attaches.")
        // The thing goes on with this file; until then the core has something to read.
        try await CPUTemperatureFile(
            path: files.file(Self.cpuTemperature), air: SimulatedAir(seed: Self.seed)
        ).write(at: Date())
        let core = program("core", "hedgerow-core", coreArguments(), environment)
        start(core)
        try await wait("the core to listen", for: core) { files.json("core/ports.json") != nil }
        screen.step("Deploying the group, with the transform, to its core.")
        try await hedgerow(["deploy", DemoGroup.name, "--wait"])

        let thing = program("thing", "hedgerow", thingArguments(), environment)
        screen.step("Starting a thing with a BME680, simulated register by register beside a warm processor.")
        screen.dim(
            "There is no Pi here: the thing writes the simulated processor's temperature to a file, and the core"
        )
        screen.dim("was told to read that (--cpu-temperature-path) in place of /sys/class/thermal/….")
        start(thing)
        let readings = DemoReadings(
            home: try HomeOptions.parse(["--home", files.file("home")]), screen: screen)
        follow(readings)
        screen.note("Readings as the cloud has them on its disk, as sensed and as corrected at the edge:")
        try await wait("the first reading", for: thing) { readings.count > 0 }
        try await Task.sleep(for: plan.beforeCommand)

        screen.step("Sending a command down: cloud → core → thing, kept until the thing has it.")
        try await hedgerow([
            "publish", "commands/\(DemoGroup.thing)/set", "--value", "interval=\(plan.commandedInterval)",
        ])
        try await wait("the thing to act on the command", for: thing) {
            files.text(thing.log).contains("sampling every")
        }
        screen.good("The thing acted on it: it samples every \(plan.commandedInterval) s from now on.")
        readings.repeatHeader()
        try await Task.sleep(for: plan.beforeRedeploy)

        let ranBefore = core.pid
        try await redeploy(readings, core: core)
        try await Task.sleep(for: plan.beforeCut)

        let secondsCutOff = try await cut(
            &cloud, ports: ports, environment, thing: thing, readings: readings, start: start)
        try await Task.sleep(for: plan.afterCut)
        let isTraceShown = try await showTrace()
        let isSameCore = core.ended == nil && core.pid == ranBefore
        return try await reckon(
            thing: thing, secondsCutOff: secondsCutOff, isSameCore: isSameCore, isTraceShown: isTraceShown)
    }

    /// The way of one reading that waited for the cloud, as the three programs told it.
    private func showTrace() async throws -> Bool {
        screen.step("One reading's way, from the traces that all three send to this demo (OTLP).")
        let deadline = ContinuousClock.now + Self.patience / 3
        while ContinuousClock.now < deadline {
            if let tree = traces.mostPatient, tree.longestWait > 0.5 {
                screen.dim("Trace \(tree.traceID), a reading that waited while the cloud was away:")
                for line in tree.lines { screen.note(line) }
                return true
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        screen.bad("No complete trace of a reading that waited has arrived.")
        return false
    }

    private func enrolEverybody() async throws {
        screen.step("Enrolling as the operator, and registering a core and a thing.")
        try await hedgerow(["init", files.file("cloud/operator.token")])
        try await hedgerow([
            "things", "create", DemoGroup.core, "--core", "--token-file",
            files.file("\(DemoGroup.core).token"),
        ])
        try await hedgerow([
            "things", "create", DemoGroup.thing, "--token-file", files.file("\(DemoGroup.thing).token"),
        ])
    }

    private func pushAndApply() async throws {
        screen.step("Pushing a transform to the cloud: what the edge is to make of a reading.")
        try show(DemoGroup.celsius, as: "\(DemoGroup.component).yaml")
        try await hedgerow(["components", "push", files.file("\(DemoGroup.component).yaml")])
        screen.step("Applying a group: which things, which core, which components, and what may flow where.")
        try show(DemoGroup.definition(version: DemoGroup.firstVersion), as: "group.yaml")
        try await hedgerow(["apply", "-f", files.file("group.yaml")])
    }

    private func show(_ text: String, as name: String) throws {
        try files.write(text, to: name)
        for line in text.split(separator: "\n") { screen.dim(String(line)) }
    }

    /// Another version of the transform, while readings flow; the core's process goes on.
    private func redeploy(_ readings: DemoReadings, core: DemoProcess) async throws {
        screen.step("Changing the transform from the cloud while readings flow: kelvins from now on.")
        try files.write(DemoGroup.kelvin, to: "\(DemoGroup.component).yaml")
        for line in DemoGroup.kelvin.split(separator: "\n")
        where line.contains("version") || line.contains("273.15") {
            screen.dim(String(line))
        }
        try await hedgerow(["components", "push", files.file("\(DemoGroup.component).yaml")])
        try files.write(DemoGroup.definition(version: DemoGroup.secondVersion), to: "group.yaml")
        try await hedgerow(["apply", "-f", files.file("group.yaml")])
        readings.repeatHeader()
        try await hedgerow(["deploy", DemoGroup.name, "--wait"])
        try await wait("a reading in kelvins", for: core) {
            readings.newestVersion == DemoGroup.secondVersion
        }
        screen.good("The new version took over between two readings; the core's process is the same.")
    }

    /// Kills the cloud, waits, starts it again; returns how long it was away.
    private func cut(
        _ cloud: inout DemoProcess, ports: (mtls: Int, enrollment: Int), _ environment: [String: String],
        thing: DemoProcess, readings: DemoReadings, start: (DemoProcess) -> Void
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
                    + "\(max(0, acknowledged - stored)) wait on its disk, corrected")
        }
        screen.step("The cloud is back: started again on the same store.")
        cloud = program(
            "cloud", "hedgerow-cloud", cloudArguments(port: ports.mtls, enrollment: ports.enrollment),
            environment)
        start(cloud)
        readings.repeatHeader()
        let before = readings.count
        try await wait("readings to arrive again", for: cloud) { readings.count > before }
        let (seconds, fraction) = (ContinuousClock.now - began).components
        return Double(seconds) + Double(fraction) / 1e18
    }

    // MARK: What the programs are told

    private func cloudArguments(port: Int, enrollment: Int) -> [String] {
        [
            "serve", "--state", files.file("cloud"), "--listen-host", "127.0.0.1", "--listen-port", "\(port)",
            "--enrollment-host", "127.0.0.1", "--enrollment-port", "\(enrollment)", "--advertise",
            "127.0.0.1", "--log-level", "notice",
        ]
    }

    private func coreArguments() -> [String] {
        [
            "run", "--state", files.file("core"), "--token", files.file("\(DemoGroup.core).token"),
            "--listen-host", "127.0.0.1", "--listen-port", "0", "--cpu-temperature-path",
            files.file(Self.cpuTemperature), "--log-level", "notice",
        ]
    }

    private func thingArguments() -> [String] {
        [
            "thing", "run", "--sensor", "simulated", "--token", files.file("\(DemoGroup.thing).token"),
            "--state", files.file("thing"), "--seed", "\(Self.seed)", "--interval", "\(plan.interval)",
            "--cpu-temperature-file", files.file(Self.cpuTemperature), "--ack-log",
            files.file("acknowledged.log"), "--stats-file", files.file("thing.json"),
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
}
