import Crypto
import Foundation
import HedgerowAPI
import Messaging
import PKI
import RPCSupport
import SwiftProtobuf
import TestSupport
import ThingClient

/// A core whose line to the cloud a test can make bad, and a group with a component that has a file: revision R runs
/// version 1.R.0 with a file of its own.
struct ArtifactLane: Sendable {
    static let core = "core-1"
    static let thing = "thing-1"
    static let group = "mill"
    static let artifact = "model.bin"

    let fleet: ProcessFleet
    let admin: FleetOperator
    let link: FaultLink

    /// Starts a cloud, registers the core and its thing, and makes this user an operator of the command line.
    static func with(_ body: (ArtifactLane) async throws -> Void) async throws {
        try await ProcessFleet.with { fleet in
            try await FaultProxy.with { proxy in try await body(try await lane(in: fleet, proxy)) }
        }
    }

    private static func lane(in fleet: ProcessFleet, _ proxy: FaultProxy) async throws -> ArtifactLane {
        try await fleet.startCloud()
        let admin = try await FleetOperator(enrollingIn: fleet)
        try await admin.register(cores: [core], things: [thing])
        let link = try await proxy.link("core to cloud", to: try fleet.port("cloud"))
        try fleet.redirect(core, toCloudAt: link.port)
        let lane = ArtifactLane(fleet: fleet, admin: admin, link: link)
        let token = try await admin.call { client in
            try await Hedgerow_Registry_V1_RegistryService.Client(wrapping: client).createToken(
                .with {
                    $0.role = .operator
                    $0.name = "ann"
                }
            ).tokenFile
        }
        try token.write(toFile: fleet.tokenPath("ann"), atomically: true, encoding: .utf8)
        try await lane.hedgerow("init", fleet.tokenPath("ann"))
        return lane
    }

    /// Runs the command line as a process; an exit code that is not expected ends the test with what it said.
    func hedgerow(_ arguments: String..., code: Int32 = 0) async throws {
        let process = try fleet.launch("hedgerow", name: "hedgerow-\(arguments[0])", arguments)
        let exit = try await process.waitForExit(within: .seconds(180))
        guard exit == .code(code) else {
            throw DidNotHappen(
                description: "hedgerow \(arguments.joined(separator: " ")): \(exit)\n\(process.logTail())")
        }
    }

    // MARK: Revisions

    /// A file of a revision; cheap to make, and no two are alike.
    static func content(_ revision: UInt64, _ size: Int) -> Data {
        var generator = SeededGenerator(seed: revision)
        var block = Data()
        while block.count < 4_096 { withUnsafeBytes(of: generator.next()) { block.append(contentsOf: $0) } }
        var content = Data(capacity: size + 8_192)
        while content.count < size {
            withUnsafeBytes(of: UInt64(content.count)) { content.append(contentsOf: $0) }
            content.append(block)
        }
        return content.prefix(size)
    }

    static func digest(_ content: Data) -> String { ArtifactDigest.text(Array(SHA256.hash(data: content))) }

    /// Where the file of a revision is on the operator's machine.
    func artifactPath(_ revision: UInt64) -> String {
        "\(fleet.directory)/revision-\(revision)/\(Self.artifact)"
    }

    /// Registers a revision's component with its file, and applies its group, all by the command line.
    @discardableResult
    func push(_ revision: UInt64, _ size: Int) async throws -> Data {
        let content = Self.content(revision, size)
        let file = artifactPath(revision)
        let directory = URL(fileURLWithPath: file).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        try content.write(to: URL(fileURLWithPath: file))
        let recipe = """
            kind: Component
            name: predict
            version: 1.\(revision).0
            transform:
              - keep: [value]
              - publish: out/predict
            artifacts:
              - {name: \(Self.artifact), sha256: \(Self.digest(content)), size: \(size)}
            """
        let definition = """
            kind: Group
            name: \(Self.group)
            cores: [\(Self.core)]
            things: [\(Self.thing)]
            components: [{name: predict, version: 1.\(revision).0}]
            subscriptions:
              - {from: "thing:*", topic: press/reading, to: "component:predict"}
              - {from: "component:predict", topic: "out/#", to: cloud}
            """
        let (recipePath, groupPath) = (directory.path + "/predict.yaml", directory.path + "/group.yaml")
        try recipe.write(toFile: recipePath, atomically: true, encoding: .utf8)
        try definition.write(toFile: groupPath, atomically: true, encoding: .utf8)
        try await hedgerow("components", "push", recipePath)
        try await hedgerow("apply", "-f", groupPath)
        return content
    }

    /// Brings revision 1 to a core that is started for it.
    @discardableResult
    func begin(_ size: Int, _ arguments: String...) async throws -> Data {
        let content = try await push(1, size)
        let process = try await fleet.startCore(Self.core, waits: false, arguments)
        try await hedgerow("deploy", Self.group, "--wait")
        try await fleet.waitForPorts(Self.core, process)
        return content
    }

    // MARK: Deployments

    /// Makes a deployment of the newest revision.
    ///
    /// - Returns: its id.
    func start(settling: Int64 = 0) async throws -> String {
        let request = "deploy-\(UInt64.random(in: .min ... .max))"
        return try await admin.call { client in
            try await Hedgerow_Deployment_V1_DeploymentService.Client(wrapping: client)
                .createDeployment(
                    .with {
                        $0.requestID = request
                        $0.group = Self.group
                        $0.rollout.settlingTime.seconds = settling
                    }
                ).deployment.id
        }
    }

    /// How a deployment stands; the newest one where none is named.
    func deployment(_ id: String? = nil) async throws -> Hedgerow_Deployment_V1_CoreDeployment {
        try await admin.call { client in
            let service = Hedgerow_Deployment_V1_DeploymentService.Client(wrapping: client)
            guard let id else {
                return try await service.listDeployments(
                    .with {
                        $0.group = Self.group
                        $0.pageSize = 1
                    }
                ).deployments.first?.cores.first ?? .init()
            }
            return try await service.getDeployment(.with { $0.id = id }).deployment.cores.first ?? .init()
        }
    }

    /// Waits until a deployment has succeeded.
    ///
    /// - Throws: ``DidNotHappen`` where it ends in another way, with its reason.
    func waitForSuccess(_ id: String) async throws {
        try await eventually(
            "the success of \(id)", within: .seconds(120),
            holds: {
                let found = try await deployment(id)
                guard [.pending, .inProgress, .succeeded].contains(found.status) else {
                    throw DidNotHappen(description: "\(id) ended with \(found.status): \(found.reason)")
                }
                return found.status == .succeeded
            })
    }

    /// Waits until a deployment has failed.
    ///
    /// - Returns: the reason.
    func waitForFailure(_ id: String) async throws -> String {
        try await eventually("the failure of \(id)", within: .seconds(120)) {
            let found = try await deployment(id)
            guard found.status != .succeeded else {
                throw DidNotHappen(description: "\(id) succeeded")
            }
            return found.status == .failed ? found.reason : nil
        }
    }

    // MARK: On the core's disk

    private var store: String { fleet.statePath(Self.core) + "/artifacts" }

    /// Names of the files of the core's store.
    var stored: Set<String> {
        Set((try? FileManager.default.contentsOfDirectory(atPath: store)) ?? [])
    }

    /// What the core has under a digest.
    func stored(_ digest: String) -> Data? { FileManager.default.contents(atPath: "\(store)/\(digest)") }

    /// How long the unfinished file of a digest is.
    func partialSize(_ digest: String) -> Int {
        let attributes = try? FileManager.default.attributesOfItem(atPath: "\(store)/\(digest).partial")
        return attributes?[.size] as? Int ?? 0
    }

    /// Bytes of the unfinished file of a digest that are certainly on the disk.
    func held(_ digest: String) -> UInt64 { PartialArtifact.held(at: "\(store)/\(digest).partial") }

    /// Where the cloud keeps the file of a digest.
    func cloudPath(_ digest: String) -> String {
        "\(fleet.cloudState)/artifacts/\(digest.prefix(2))/\(digest)"
    }

    // MARK: What runs

    /// A reading goes through the component of a revision.
    func judgeFlow(_ revision: UInt64) async throws {
        var configuration = ThingConfiguration(
            token: fleet.tokenPath(Self.thing), state: fleet.statePath(Self.thing))
        configuration.backoff = .init(initial: .milliseconds(50), maximum: .milliseconds(300))
        let value = Double.random(in: 0..<1_000_000)
        try await withThing(configuration) { thing in
            _ = try await thing.publishAndWait("press/reading", ["value": .double(value)])
        }
        try await eventually(
            "a reading through revision \(revision)",
            holds: {
                let records = try await admin.records(of: Self.thing, topic: "out/predict")
                guard let record = records.first(where: { $0.number() == value }) else { return false }
                guard record.source.version == "1.\(revision).0", record.source.revision == revision else {
                    throw DidNotHappen(description: "a reading came from \(record.source)")
                }
                return true
            })
    }
}
