import ArgumentParser
import Components
import FoundationEssentials
import GRPCCore
import HedgerowAPI
import PKI
import RPCSupport

/// The operator of the local cloud: brings files there and deploys them.
struct DevSession: Sendable {
    /// Most things that get a token file.
    static let maximumTokens = 100

    /// A deployment that was made.
    struct Deployed: Sendable {
        let id: String
        let revision: UInt64
        let changes: String
    }

    let home: HomeOptions
    let state: DevState
    private var members: Set<String>?
    private var uploaded: Set<[UInt8]> = []
    private let runs = DevRuns()

    init(home: HomeOptions, state: DevState) {
        self.home = home
        self.state = state
    }

    /// Checks everything in the cloud, brings it there, and deploys it; where nothing is other than before, nothing
    /// happens.
    ///
    /// - Returns: nil where nothing happened.
    /// - Throws: ``CLIError`` with every mistake; then nothing was made.
    mutating func apply(_ files: DevFiles) async throws -> Deployed? {
        try await register(files)
        let known = uploaded
        let (isChanged, digests) = try await home.withCloud { cloud in
            let documents = try await files.manifests.check(cloud)
            var digests: Set<[UInt8]> = []
            for artifact in files.artifacts where !known.contains(artifact.digest) {
                // It only goes next door: how far it is would be told with every save.
                var io = CommandIO.current
                io.writeError = { _ in }
                _ = try await CommandIO.$current.withValue(io) {
                    try await ArtifactUpload(file: artifact).run(to: cloud)
                }
                digests.insert(artifact.digest)
            }
            let outcomes = try await Progress.show("applying") { progress in
                try await Applying(documents: documents).run(cloud, progress)
            }
            for outcome in outcomes { outcome.sayWarnings() }
            return (outcomes.contains { $0.word != "unchanged" }, digests)
        }
        uploaded.formUnion(digests)
        guard isChanged || runs.isEmpty else { return nil }
        var request = Hedgerow_Deployment_V1_CreateDeploymentRequest()
        request.group = files.definition.name
        request.requestID = UUID().uuidString
        let deployment = try await home.withCloud { [request] cloud in
            try await cloud.deployments.createDeployment(request, options: cloud.options).deployment
        }
        let new = DevInstances(
            lock: deployment.lock, definition: files.definition, programs: files.programs)
        return Deployed(
            id: deployment.id, revision: deployment.revision, changes: runs.deploy(deployment.id, new))
    }

    // MARK: Members

    /// Registers the cores and things that no document describes, and writes the things' token files.
    mutating func register(_ files: DevFiles) async throws {
        var known = if let members { members } else { try await registered() }
        let (things, cores) = files.undescribed
        for (names, kind) in [
            (cores, Hedgerow_Registry_V1_ThingKind.core), (things, .thing),
        ] {
            for name in names where known.insert(name).inserted { try await create(name, kind) }
        }
        // The core enrols before the first revision is applied.
        if known.insert(files.core).inserted { try await create(files.core, .core) }
        members = known
    }

    private func registered() async throws -> Set<String> {
        try await home.withCloud { cloud in
            let things = try await Pages.all { token in
                var request = Hedgerow_Registry_V1_ListThingsRequest()
                request.pageSize = 1_000
                request.pageToken = token
                let page = try await cloud.registry.listThings(request, options: cloud.options)
                return (page.things, page.nextPageToken)
            }
            return Set(things.map(\.name))
        }
    }

    private func create(_ name: String, _ kind: Hedgerow_Registry_V1_ThingKind) async throws {
        var request = Hedgerow_Registry_V1_CreateThingRequest()
        request.requestID = UUID().uuidString
        request.name = name
        request.kind = kind
        _ = try await home.withCloud { [request] cloud in
            try await cloud.registry.createThing(request, options: cloud.options)
        }
    }

    /// Writes the token file that a thing or core enrols with, unless there is one.
    func writeToken(_ name: String, _ role: Hedgerow_Registry_V1_IdentityRole) async throws {
        let path = state.files.file("\(name).token")
        guard try await BlockingIO.run({ DevStamp(path: path) == nil }) else { return }
        let options = try TokenFileOptions.parse(["--valid-for", "90d"])
        let token = try await home.withCloud { try await options.request($0, role: role, name: name) }
        try await options.write(token, to: path)
    }

    /// Writes the token files of the things, the first hundred.
    func writeTokens(_ files: DevFiles) async throws {
        for name in files.things.prefix(Self.maximumTokens) { try await writeToken(name, .thing) }
    }

    // MARK: Following

    /// Says what becomes of a deployment, until it has come to an end on the core that runs here.
    func follow(
        _ deployed: Deployed, core: String, since: ContinuousClock.Instant, _ screen: DevScreen
    ) async throws {
        var request = Hedgerow_Deployment_V1_WatchDeploymentRequest()
        request.id = deployed.id
        try await home.withCloud { [request] cloud in
            try await cloud.deployments.watchDeployment(request) { response in
                var outcome = DevOutcome(revision: deployed.revision, changes: deployed.changes)
                for try await message in response.messages {
                    guard let core = message.deployment.cores.first(where: { $0.core == core }) else {
                        continue
                    }
                    let elapsed = (ContinuousClock.now - since) / .seconds(1)
                    switch outcome.take(core, after: elapsed) {
                    case .good(let text): screen.good(text)
                    case .bad(let text): screen.bad(text)
                    case nil: break
                    }
                    if outcome.isOver {
                        return self.runs.end(deployed.id, isSuccess: core.status == .succeeded)
                    }
                }
            }
        }
    }
}
