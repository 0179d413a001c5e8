import Crypto
public import Foundation
public import GRPCCore
import GRPCNIOTransportHTTP2Posix
public import HedgerowAPI
public import Identity
import Logging
public import PKI
public import RPCSupport
import Synchronization
public import X509

/// A cloud for tests: real authorities, real TLS on loopback, real protos, and as much behaviour as enrolment and
/// attachment need. What it does wrong is up to the test.
public final class FakeCloud: Sendable {
    /// Its trust domain.
    public static let trustDomain = "fake.test"

    /// Where it listens.
    public struct Ports: Hashable, Sendable {
        /// The listener that demands a client certificate.
        public let mutual: Int
        /// The listener for enrolment.
        public let enrollment: Int
    }

    struct State {
        var group: CertificateAuthority
        var boundKeys: [String: String] = [:]
        var enrollRepliesToLose = 0
        var enrollCalls = 0
        var renewCalls = 0
        var welcomeGroup = ""
        var answersHello = true
        var signsCertificates = true
        var clockOffset: TimeInterval = 0
        var serverValidity: Duration = CertificateAuthority.Validity.server
        var clientValidity: Duration = CertificateAuthority.Validity.client
        var requests: [Hedgerow_Deployment_V1_AttachRequest] = []
        var initialMessages: [Hedgerow_Deployment_V1_AttachResponse] = []
        var sessions = 0
        var session: AsyncThrowingStream<Hedgerow_Deployment_V1_AttachResponse, any Error>.Continuation?
        var lastPorts: Ports?
        var recipes: [String: String] = [:]
        var recipeRequests: [String] = []
        var recipeErrors: [RPCError] = []
        var isSilentAboutRecipes = false
        var secrets: [String: [UInt8]?] = [:]
        var secretRequests: [String] = []
        var secretErrors: [RPCError] = []
    }

    /// Its root.
    public let root: CertificateAuthority
    /// What it signs clients and itself with.
    public let issuing: CertificateAuthority
    let state: Mutex<State>

    /// Makes its authorities.
    public init() throws {
        root = try .makeRoot(trustDomain: Self.trustDomain, now: Date())
        issuing = try root.makeIssuing(now: Date())
        state = Mutex(State(group: try .makeGroup(group: "hall", now: Date())))
    }

    // MARK: Running

    /// Serves while the body runs. A second run serves at the ports of the first.
    public func run<Value: Sendable>(
        isolation: isolated (any Actor)? = #isolation, _ body: (Ports) async throws -> Value
    ) async throws -> Value {
        let identity = try serverIdentity()
        let logger = Logger(label: "fake-cloud") { _ in SwiftLogNoOpLogHandler() }
        let last = state.withLock { $0.lastPorts }
        let verifier = PeerVerifier(
            roots: [root.certificate], trustDomain: Self.trustDomain, usage: .client, now: { Date() })
        let mutual = try ServerTransports.mutualTLS(
            host: "127.0.0.1", port: last?.mutual ?? 0, identity: identity, verifier: verifier,
            refusals: PeerRefusals(side: "fake cloud", logger: nil))
        let enrollment = try ServerTransports.serverTLS(
            host: "127.0.0.1", port: last?.enrollment ?? 0, identity: identity)
        let calls = ActiveCalls()
        let health = HealthRegistry()
        health.set(.serving)
        return try await withGRPCServer(
            transport: mutual,
            services: [
                FakeDeploymentService(cloud: self), FakeProvisioningService(cloud: self),
                HealthService(registry: health),
            ],
            interceptors: [
                AuthenticationInterceptor(
                    table: .cloud, trustDomain: Self.trustDomain, activeCalls: calls, logger: logger)
            ]
        ) { mutualServer in
            try await withGRPCServer(
                transport: enrollment, services: [FakeProvisioningService(cloud: self)],
                interceptors: [
                    AuthenticationInterceptor(
                        table: .enrollment, trustDomain: Self.trustDomain, activeCalls: calls, logger: logger)
                ]
            ) { enrollmentServer in
                let ports = Ports(
                    mutual: try await mutualServer.listeningAddress?.ipv4?.port ?? 0,
                    enrollment: try await enrollmentServer.listeningAddress?.ipv4?.port ?? 0)
                state.withLock { $0.lastPorts = ports }
                return try await body(ports)
            }
        }
    }

    // MARK: Identities

    /// A token for somebody.
    public func tokenFile(
        _ principal: Principal, ports: Ports, token: String = "secret", rootPEM: String? = nil
    ) -> TokenFile {
        TokenFile(
            role: principal.role, name: principal.name,
            cloud: [NetworkEndpoint(host: "127.0.0.1", port: ports.mutual)],
            enrollment: [NetworkEndpoint(host: "127.0.0.1", port: ports.enrollment)],
            rootCertificate: rootPEM ?? root.certificatePEM, token: "\(token)/\(principal)",
            expireTime: Date(timeIntervalSinceNow: 3_600), trustDomain: Self.trustDomain)
    }

    /// A certificate for a client, without enrolment.
    public func clientIdentity(_ principal: Principal) throws -> (
        identity: ClientIdentity, serialNumber: String
    ) {
        let key = PrivateKey.generate()
        let leaf = try issuing.issueClient(
            request: key.signingRequest(commonName: principal.name), principal: principal,
            trustDomain: Self.trustDomain, now: Date())
        return (ClientIdentity(chainPEM: leaf.chainPEM, keyPEM: key.pem), leaf.serialNumber)
    }

    /// The group's CA now.
    public var groupAuthority: Certificate { state.withLock { $0.group.certificate } }

    /// Replaces the group's CA.
    public func rotateGroupAuthority() throws {
        let new = try CertificateAuthority.makeGroup(group: "hall", now: Date())
        state.withLock { $0.group = new }
    }

    private func serverIdentity() throws -> ReloadableCertificate {
        let key = PrivateKey.generate()
        let leaf = try issuing.issueServer(
            request: key.signingRequest(commonName: "cloud"),
            spiffeID: CloudIdentity.spiffeID(trustDomain: Self.trustDomain),
            dnsNames: [CloudIdentity.serverName],
            ipAddresses: ["127.0.0.1"], now: Date())
        return try ReloadableCertificate(chainPEM: leaf.chainPEM, keyPEM: key.pem)
    }

    // MARK: What it does

    /// The next so many answers to Enroll get lost on the way.
    public func loseEnrollReplies(_ count: Int) { state.withLock { $0.enrollRepliesToLose = count } }
    /// How often Enroll was called.
    public var enrollCalls: Int { state.withLock { $0.enrollCalls } }
    /// How often Renew was called.
    public var renewCalls: Int { state.withLock { $0.renewCalls } }
    /// How long client certificates are valid from now on.
    public func setClientValidity(_ validity: Duration) { state.withLock { $0.clientValidity = validity } }
    /// The group that the welcome names from now on.
    public func setWelcomeGroup(_ group: String) { state.withLock { $0.welcomeGroup = group } }
    /// Whether it answers hellos.
    public func setAnswersHello(_ answers: Bool) { state.withLock { $0.answersHello = answers } }
    /// Whether it answers certificate requests.
    public func setSignsCertificates(_ signs: Bool) { state.withLock { $0.signsCertificates = signs } }
    /// By how much its clock is ahead.
    public func setClockOffset(_ offset: TimeInterval) { state.withLock { $0.clockOffset = offset } }

    // MARK: Attachment

    /// How many attachments there were.
    public var sessions: Int { state.withLock { $0.sessions } }
    /// What cores said, in order.
    public var requests: [Hedgerow_Deployment_V1_AttachRequest] { state.withLock { $0.requests } }
    /// The hellos among that.
    public var hellos: [Hedgerow_Deployment_V1_CoreHello] {
        requests.compactMap { if case .hello(let hello)? = $0.event { hello } else { nil } }
    }
    /// The reports about a deployment.
    public func reports(_ deployment: String) -> [Hedgerow_Deployment_V1_DeploymentReport] {
        requests.compactMap {
            if case .report(let report)? = $0.event, report.deploymentID == deployment { report } else { nil }
        }
    }
    /// The reported addresses after the hellos.
    public var endpointReports: [Hedgerow_Deployment_V1_CoreEndpoints] {
        requests.compactMap { if case .endpoints(let endpoints)? = $0.event { endpoints } else { nil } }
    }
    /// How many certificates were asked for.
    public var certificateRequests: Int {
        requests.count { if case .serverCertificateRequest? = $0.event { true } else { false } }
    }

    /// Says something to the attached core; false where none is attached.
    @discardableResult
    public func send(_ fill: (inout Hedgerow_Deployment_V1_AttachResponse) -> Void) -> Bool {
        var response = Hedgerow_Deployment_V1_AttachResponse()
        fill(&response)
        return state.withLock { state in
            guard let session = state.session else { return false }
            session.yield(response)
            return true
        }
    }

    /// Ends the attachment with an error.
    public func endSession(_ error: any Error) {
        state.withLock { state in
            state.session?.finish(throwing: error)
            state.session = nil
        }
    }

    /// Deploys a revision to the attached core.
    public func deploy(_ revision: Hedgerow_Type_V1_GroupRevision, id: String) {
        send { response in
            response.assignment.deploymentID = id
            response.assignment.revision = revision
        }
    }

    // MARK: Recipes

    /// Registers a recipe; returns its SHA-256.
    @discardableResult
    public func register(recipe: String, component: String, version: String) -> Data {
        state.withLock { $0.recipes["\(component)@\(version)"] = recipe }
        return Self.digest(recipe)
    }
    /// The SHA-256 of a text.
    public static func digest(_ text: String) -> Data { Data(SHA256.hash(data: Data(text.utf8))) }
    /// What recipes were asked for, `COMPONENT@VERSION`.
    public var recipeRequests: [String] { state.withLock { $0.recipeRequests } }
    /// The next requests for recipes end with these errors.
    public func failRecipes(_ errors: [RPCError]) { state.withLock { $0.recipeErrors = errors } }
    /// Whether requests for recipes get no answer from now on.
    public func setSilentAboutRecipes(_ silent: Bool) { state.withLock { $0.isSilentAboutRecipes = silent } }
    /// Sets a secret, nil for one that its group has not; every core gets all.
    public func set(secret name: String, to value: [UInt8]?) {
        state.withLock { $0.secrets[name] = .some(value) }
    }
    /// Which deployments secrets were asked for.
    public var secretRequests: [String] { state.withLock { $0.secretRequests } }
    /// The next requests for secrets end with these errors.
    public func failSecrets(_ errors: [RPCError]) { state.withLock { $0.secretErrors = errors } }
    /// What cores said of their components, in order.
    public var componentStatuses: [[Hedgerow_Type_V1_ComponentStatus]] {
        requests.compactMap {
            if case .componentStatuses(let statuses)? = $0.event { statuses.components } else { nil }
        }
    }

    /// A revision of the group "hall".
    public static func revision(
        _ number: UInt64, cores: [String] = ["pi-1"], things: [String]
    ) -> Hedgerow_Type_V1_GroupRevision {
        var revision = Hedgerow_Type_V1_GroupRevision()
        revision.group = "hall"
        revision.revision = number
        revision.cores = cores
        revision.things = things
        var subscription = Hedgerow_Type_V1_Subscription()
        subscription.from = "thing:*"
        subscription.topicFilter = "#"
        subscription.to = "cloud"
        revision.subscriptions = [subscription]
        return revision
    }
}
