import Foundation
import GRDB
import TestSupport
import Testing

/// What a service manager hears of the real programs.
@Suite(.serialized) struct ServiceManagerTests {
    @Test("a core is ready when it serves, and gives signs of life only while its engine answers")
    func core() async throws {
        try await ProcessFleet.with { fleet in
            let socket = try NotifySocket(fleet.directory + "/notify")
            try await fleet.startCloud()
            let admin = try await FleetOperator(enrollingIn: fleet)
            try await admin.register(cores: ["core-a"], things: ["press-1"])
            try await admin.apply(group: "mill", cores: ["core-a"], things: ["press-1"])
            // Before its first deployment a core has nothing to serve: it is ready, and says what it waits for.
            let first = try await fleet.startCore(
                "core-a", waits: false, environment: Self.environment(socket))
            try await eventually("it is ready") { socket.lines.contains("READY=1") }
            #expect(socket.lines.contains { $0.hasPrefix("STATUS=Serves no things yet") })
            #expect(try await Self.healthcheck("hedgerow-core", "core-a", fleet) == .code(1))
            try await admin.deploy(group: "mill")
            try await fleet.waitForPorts("core-a", first)
            try await eventually("its status says that it serves") {
                socket.lines.contains { $0.hasPrefix("STATUS=Serves things at port") }
            }
            let stopping = socket.lines.count
            #expect(try await first.terminate(within: .seconds(20)).exit == .code(0))
            #expect(socket.lines(after: stopping).contains("STOPPING=1"))

            // With a certificate on the disk, ready means that things can connect.
            let start = socket.lines.count
            let second = try await fleet.startCore(
                "core-a", waits: false, environment: Self.environment(socket))
            try await eventually("it is ready again") { socket.lines(after: start).contains("READY=1") }
            #expect(try await Self.healthcheck("hedgerow-core", "core-a", fleet) == .code(0))
            try await Self.hang(
                second, database: fleet.statePath("core-a") + "/core.sqlite", socket,
                lives: { try await Self.healthcheck("hedgerow-core", "core-a", fleet) == .code(0) })
        }
    }

    @Test("a cloud is ready when it serves, and gives signs of life only while its engine answers")
    func cloud() async throws {
        try await ProcessFleet.with { fleet in
            let socket = try NotifySocket(fleet.directory + "/notify")
            #expect(try await Self.healthcheck("hedgerow-cloud", "cloud", fleet) == .code(1))
            let cloud = try await fleet.startCloud(environment: Self.environment(socket))
            try await eventually("it is ready") { socket.lines.contains("READY=1") }
            #expect(socket.lines.contains { $0.hasPrefix("STATUS=Serves at port") })
            #expect(try await Self.healthcheck("hedgerow-cloud", "cloud", fleet) == .code(0))
            try await Self.hang(
                cloud, database: fleet.cloudState + "/cloud.sqlite", socket,
                lives: { try await Self.healthcheck("hedgerow-cloud", "cloud", fleet) == .code(0) })
            let stopping = socket.lines.count
            #expect(try await cloud.terminate(within: .seconds(20)).exit == .code(0))
            #expect(socket.lines(after: stopping).contains("STOPPING=1"))
        }
    }

    @Test("a core that cannot reach the cloud at its first start is ready, says so, lives, and stops")
    func firstStartWithoutCloud() async throws {
        try await ProcessFleet.with { fleet in
            let socket = try NotifySocket(fleet.directory + "/notify")
            let cloud = try await fleet.startCloud()
            let admin = try await FleetOperator(enrollingIn: fleet)
            try await admin.register(cores: ["core-a"], things: [])
            try await cloud.kill9()
            let core = try await fleet.startCore(
                "core-a", waits: false, environment: Self.environment(socket))
            try await eventually("it is ready") { socket.lines.contains("READY=1") }
            #expect(socket.lines.contains { $0.hasPrefix("STATUS=Waits for the cloud to enrol") })
            let ready = socket.lines.count
            try await eventually("signs of life come") { socket.lines(after: ready).contains("WATCHDOG=1") }
            #expect(try await core.terminate(within: .seconds(20)).exit == .code(0))
            #expect(socket.lines(after: ready).contains("STOPPING=1"))
        }
    }

    // MARK: Parts

    /// What systemd would set, with 4 s for each sign of life.
    private static func environment(_ socket: NotifySocket) -> [String: String] {
        ["NOTIFY_SOCKET": socket.address, "WATCHDOG_USEC": "4000000"]
    }

    /// Holds the program's database from outside, so that its engine can commit nothing, and lets go again.
    ///
    /// - Parameter lives: whether other parts of the program answer meanwhile.
    private static func hang(
        _ process: FleetProcess, database: String, _ socket: NotifySocket, lives: () async throws -> Bool
    ) async throws {
        let begin = socket.lines.count
        try await eventually("signs of life come") {
            socket.lines(after: begin).count { $0 == "WATCHDOG=1" } >= 2
        }
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        configuration.allowsUnsafeTransactions = true
        let lock = try DatabaseQueue(path: database, configuration: configuration)
        try await lock.writeWithoutTransaction { try $0.execute(sql: "BEGIN EXCLUSIVE") }
        let held = socket.lines.count
        let silence = "STATUS=Does not answer: the database"
        try await eventually("the silence is said") {
            socket.lines(after: held).contains { $0.hasPrefix(silence) }
        }
        #expect(try await lives(), "its other threads live")
        // SQLite gives up waiting after 10 s, which is an answer, but not in time: still no sign of life.
        try await eventually("a commit has failed", within: .seconds(60)) {
            _ = socket.lines
            return process.logTail(bytes: 1_000_000).contains("transaction failed")
        }
        let lines = socket.lines(after: held)
        let said = try #require(lines.firstIndex { $0.hasPrefix(silence) })
        #expect(!lines[said...].contains("WATCHDOG=1"), "\(lines)")
        let released = socket.lines.count
        try await lock.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        try await eventually("signs of life come again", within: .seconds(60)) {
            socket.lines(after: released).contains("WATCHDOG=1")
        }
        try await eventually("its status is the usual one again") {
            socket.lines(after: released).contains { $0.hasPrefix("STATUS=Serves") }
        }
    }

    /// Runs the program's health check with its state directory.
    private static func healthcheck(
        _ program: String, _ member: String, _ fleet: ProcessFleet
    ) async throws -> FleetProcess.Exit {
        try await fleet.launch(
            program, name: "\(member)-healthcheck",
            ["healthcheck", "--state", fleet.statePath(member)]
                + (program == "hedgerow-cloud" ? ["--enrollment-host", "127.0.0.1"] : [])
        ).waitForExit(within: .seconds(30))
    }
}
