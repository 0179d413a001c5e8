import Foundation
import GRPCCore
import HedgerowAPI
import Identity
import Logging
import Messaging
import NIOCore
import NIOPosix
import PKI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

/// A fleet that comes back at one moment, as after a power cut, to a core that has just started.
@Suite("A storm of connections", .serialized, .timeLimit(.minutes(10)))
struct StormTests {
    /// How many things: `HEDGEROW_STORM_THINGS`.
    static let count = ProcessInfo.processInfo.environment["HEDGEROW_STORM_THINGS"].flatMap(Int.init) ?? 200

    @Test("ends with all things connected, who saw nothing but delay") func allComeBack() async throws {
        try await ProcessFleet.with { fleet in
            let names = (1...Self.count).map { "press-\($0)" }
            let things = try await StormThing.deploy(names, in: fleet)
            let progress = Shared(StormProgress())
            try await withThrowingTaskGroup(of: Void.self) { group in
                let began = ContinuousClock.now
                for thing in things { group.addTask { try await thing.run(progress) } }
                try await eventually("all are connected", within: .seconds(180)) {
                    progress.value.connected.count == things.count
                }
                print("storm: \(things.count) things after \(ContinuousClock.now - began)")
                #expect(progress.value.errors.isEmpty)

                try await fleet.process("core-a").kill9()
                try await eventually("all have noticed", within: .seconds(60)) {
                    progress.value.connected.isEmpty
                }
                try await fleet.startCore("core-a")
                let back = ContinuousClock.now
                try await eventually("all are connected again", within: .seconds(180)) {
                    progress.value.connected.count == things.count
                }
                print("storm: \(things.count) things back after \(ContinuousClock.now - back)")
                // What a client does not show anybody: it connects again.
                #expect(
                    progress.value.errors.keys.allSatisfy { $0 == .unavailable }, "\(progress.value.errors)")
                let log = try fleet.process("core-a").logTail(bytes: 1 << 20)
                #expect(!log.contains("too many") && !log.contains("cannot accept"))
                group.cancelAll()
            }
        }
    }

    #if os(Linux)
        @Test("finds a core without a free descriptor alive, and gets in when there is one")
        func noDescriptors() async throws {
            try await ProcessFleet.with { fleet in
                let things = try await StormThing.deploy(["press-1", "press-2"], in: fleet)
                let core = try fleet.process("core-a")
                let progress = Shared(StormProgress())
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await things[0].run(progress, readings: true) }
                    try await eventually(
                        "the first is connected",
                        holds: {
                            progress.value.connected.count == 1
                        })
                    try Self.takeDescriptors(from: core)
                    var waiting: [any Channel] = []
                    for _ in 0..<5 {
                        waiting.append(
                            try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                                .connect(host: "127.0.0.1", port: try fleet.port("core-a")).get())
                    }
                    try await eventually(
                        "the core says that it cannot accept",
                        holds: {
                            core.logTail().contains("cannot accept connections for the moment")
                        })
                    let acknowledged = progress.value.acknowledged
                    try await eventually(
                        "the first goes on",
                        holds: {
                            progress.value.acknowledged > acknowledged + 20
                        })
                    #expect(core.exit == nil)
                    try Self.giveDescriptors(1_024, to: core)
                    group.addTask { try await things[1].run(progress) }
                    try await eventually(
                        "the second is connected",
                        holds: {
                            progress.value.connected.count == 2
                        })
                    for channel in waiting { try await channel.close() }
                    group.cancelAll()
                }
            }
        }

        /// Leaves a process no descriptor beyond those that it has.
        private static func takeDescriptors(from process: FleetProcess) throws {
            let open = try Set(
                FileManager.default.contentsOfDirectory(atPath: "/proc/\(process.processID)/fd").compactMap(
                    Int.init))
            // The system gives the lowest that is free.
            try giveDescriptors(try #require((0...open.count).first { !open.contains($0) }), to: process)
        }

        /// Sets the limit, as far as the process may raise it itself.
        private static func giveDescriptors(_ count: Int, to process: FleetProcess) throws {
            let tool = try Process.run(
                URL(fileURLWithPath: "/usr/bin/prlimit"),
                arguments: ["--pid", "\(process.processID)", "--nofile=\(count):"])
            tool.waitUntilExit()
            try #require(tool.terminationStatus == 0)
        }
    #endif
}

/// What the things of a storm saw.
struct StormProgress: Sendable {
    /// Those whose reading was acknowledged on the connection that they have.
    var connected: Set<String> = []
    /// Readings acknowledged, of all.
    var acknowledged = 0
    /// Attempts that failed, by code.
    var errors: [RPCError.Code: Int] = [:]
}

/// A thing of a storm: it connects, publishes, and connects again with a growing, spread pause.
struct StormThing: Sendable {
    let name: String
    let identity: ClientIdentity
    let verifier: PeerVerifier
    let port: Int
    let epoch = Epoch.random()

    /// Sets up a cloud, a core and enrolled things.
    static func deploy(_ names: [String], in fleet: ProcessFleet) async throws -> [StormThing] {
        try await fleet.startCloud()
        let admin = try await FleetOperator(enrollingIn: fleet)
        try await admin.register(cores: ["core-a"], things: names)
        try await admin.apply(group: "mill", cores: ["core-a"], things: names)
        let core = try await fleet.startCore("core-a", waits: false)
        try await admin.deploy(group: "mill")
        try await fleet.waitForPorts("core-a", core)
        let roots = try await admin.call { client in
            try await Hedgerow_Discovery_V1_DiscoveryService.Client(wrapping: client)
                .discover(.with { $0.thing = names[0] }).groups.flatMap(\.caCertificates)
        }.flatMap { try Certificates.parse(pem: $0) }
        let port = try fleet.port("core-a")
        var things: [StormThing] = []
        for name in names {
            let token = try TokenFile.read(from: fleet.tokenPath(name))
            let stored = try await Enrollment.enroll(
                tokenFile: token, directory: IdentityDirectory(path: fleet.statePath(name)),
                logger: Logger(label: "thing") { _ in SwiftLogNoOpLogHandler() })
            let verifier = PeerVerifier(
                roots: roots, trustDomain: stored.trustDomain, usage: .server,
                expectedSPIFFEID: try Principal(role: .core, name: "core-a").spiffeID(
                    trustDomain: stored.trustDomain),
                now: { Date() })
            things.append(
                StormThing(
                    name: name, identity: ClientIdentity(chainPEM: stored.chainPEM, keyPEM: stored.keyPEM),
                    verifier: verifier, port: port))
        }
        return things
    }

    /// Runs until it is cancelled.
    ///
    /// - Parameter readings: whether it goes on publishing when its first reading was acknowledged.
    func run(_ progress: Shared<StormProgress>, readings: Bool = false) async throws {
        var backoff = Backoff()
        while !Task.isCancelled {
            do {
                try await connect(progress, readings: readings)
            } catch {
                if Task.isCancelled { return }
                progress.change { $0.errors[(error as? RPCError)?.code ?? .unknown, default: 0] += 1 }
            }
            if progress.change({ $0.connected.remove(name) }) != nil { backoff.reset() }
            try? await Task.sleep(for: backoff.next())
        }
    }

    private func connect(_ progress: Shared<StormProgress>, readings: Bool) async throws {
        let transport = try ClientTransports.make(
            endpoint: NetworkEndpoint(host: "127.0.0.1", port: port),
            serverName: CoreServerName.name(forCore: "core-a"), identity: identity, verifier: verifier,
            refusals: PeerRefusals(side: "test", logger: nil))
        let (resumes, resuming) = AsyncStream.makeStream(of: UInt64.self)
        try await withGRPCClient(transport: transport) { client in
            try await TelemetryService.Client(wrapping: client).publish { writer in
                try await writer.write(.opening(epoch: epoch))
                for await after in resumes {
                    try await writer.write(
                        .with { $0.publications = [.plain(after + 1, "hall/a", ["value": 1])] })
                }
            } onResponse: { response in
                var first = true
                for try await message in response.messages {
                    if first {
                        first = false
                        resuming.yield(message.resumeAfterSequence)
                        continue
                    }
                    progress.change {
                        $0.connected.insert(name)
                        $0.acknowledged += 1
                    }
                    if readings { resuming.yield(message.acknowledgedSequence) }
                }
            }
        }
    }
}
