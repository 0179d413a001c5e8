import Foundation
import GRPCCore
import HedgerowAPI
import Identity
import Messaging
import PKI
import RPCSupport
import Synchronization

/// The real network: an identity on disk, the cloud's discovery, and TLS to everything.
final class CloudNetwork: ThingNetwork {
    private struct State: Sendable {
        var identity: StoredIdentity?
        var known: Hedgerow_Discovery_V1_DiscoverResponse?
        var directory: String?
        var floor: ClockFloor?
    }

    private let configuration: ThingConfiguration
    private let state = Mutex(State())

    /// Longest sleep before the time of day is looked at again: it may jump, and machines are suspended.
    private static let renewalCheck: Duration = .seconds(3_600)

    init(configuration: ThingConfiguration) {
        self.configuration = configuration
    }

    // MARK: identity

    func prepare(report: @Sendable (ThingEvent) -> Void) async throws {
        let place = try await StateLocation.find(configuration)
        let now = configuration.now
        let floor = await Self.clockFloor(in: place.path, system: now)
        state.withLock {
            $0.directory = place.path
            $0.floor = floor
        }
        let identity: StoredIdentity
        if let stored = place.identity {
            identity = stored
            report(.identified(name: stored.principal.name, enrolledNow: false))
        } else if let token = place.token {
            identity = try await enroll(token, in: place.path, report: report)
            report(.identified(name: identity.principal.name, enrolledNow: true))
        } else {
            throw ThingError.invalidConfiguration(
                "There is no identity in \(place.path) and no token file was given; make one with "
                    + "`hedgerow things create`.")
        }
        let known = await DiscoveryFile.read(in: place.path, report: report)
        state.withLock {
            $0.identity = identity
            $0.known = known
        }
    }

    private func enroll(
        _ token: TokenFile, in directory: String, report: @Sendable (ThingEvent) -> Void
    ) async throws -> StoredIdentity {
        var backoff = configuration.backoff
        while true {
            do {
                return try await enroller(directory, trustDomain: token.trustDomain).enroll(token)
            } catch let error as ThingError {
                throw error
            } catch {
                try Task.checkCancellation()
                report(.problem("Enrolling failed and is tried again: \(error)."))
                try await configuration.clock.sleep(for: backoff.next())
            }
        }
    }

    func maintain(report: @Sendable (ThingEvent) -> Void) async throws {
        var backoff = Backoff(initial: .seconds(60), maximum: .seconds(3_600))
        while true {
            let (identity, directory) = state.withLock { ($0.identity, $0.directory) }
            guard let identity, let directory else { throw ThingError.closed }
            let wait = identity.renewTime.timeIntervalSince(configuration.now())
            if let floor = state.withLock({ $0.floor }) {
                try await BlockingIO.run { floor.persist() }
            }
            if wait > 0 {
                try await configuration.clock.sleep(for: min(.seconds(wait), Self.renewalCheck))
                continue
            }
            do {
                let renewed = try await enroller(directory, trustDomain: identity.trustDomain).renew(identity)
                state.withLock { $0.identity = renewed }
                backoff.reset()
                report(.certificateRenewed)
                if renewed.renewTime > configuration.now() { continue }
            } catch {
                try Task.checkCancellation()
                report(.problem("Renewing the certificate failed: \(error)."))
            }
            try await configuration.clock.sleep(for: backoff.next())
        }
    }

    private func enroller(_ directory: String, trustDomain: String) -> Enroller {
        Enroller(
            directory: IdentityDirectory(path: directory), dialer: dialer(trustDomain: trustDomain),
            timeout: configuration.connectTimeout)
    }

    private func dialer(trustDomain: String) -> ServerDialer {
        let floor = state.withLock { $0.floor }
        let system = configuration.now
        return ServerDialer(trustDomain: trustDomain) { floor?.now() ?? system() }
    }

    private static func clockFloor(
        in directory: String, system: @escaping @Sendable () -> Date
    ) async -> ClockFloor? {
        // It reports its own troubles and is never a reason to stop.
        try? await BlockingIO.run {
            try DurableFile.makeDirectory(directory)
            let floor = ClockFloor(path: directory + "/last-known-time", system: system)
            floor.persist()
            return floor
        }
    }

    // MARK: where to go

    func targets(refresh: Bool, report: @Sendable (ThingEvent) -> Void) async throws -> [ServerTarget] {
        let (identity, known, directory) = state.withLock { ($0.identity, $0.known, $0.directory) }
        guard let identity, let directory else { throw ThingError.closed }
        if configuration.direct { return Self.cloudTargets(identity) }
        if !refresh, let known {
            let targets = Self.targets(known)
            if !targets.isEmpty {
                report(.discovered(addresses: targets.count, fresh: false))
                return targets
            }
        }
        do {
            let answer = try await discover(identity)
            state.withLock { $0.known = answer }
            await DiscoveryFile.write(answer, in: directory, report: report)
            let targets = Self.targets(answer)
            report(.discovered(addresses: targets.count, fresh: true))
            return targets
        } catch {
            try Task.checkCancellation()
            let problem = "Asking the cloud for cores failed: \(error)."
            // The cloud being away, or of another opinion, does not stop local work: the core decides.
            guard let known else { throw DiscoveryFailure(description: problem) }
            report(.problem(problem))
            let targets = Self.targets(known)
            report(.discovered(addresses: targets.count, fresh: false))
            return targets
        }
    }

    private struct DiscoveryFailure: Error, CustomStringConvertible {
        let description: String
    }

    private func discover(_ identity: StoredIdentity) async throws -> Hedgerow_Discovery_V1_DiscoverResponse {
        var request = Hedgerow_Discovery_V1_DiscoverRequest()
        request.thing = identity.principal.name
        var options = CallOptions.defaults
        options.timeout = configuration.connectTimeout
        var failure: any Error = ThingError.invalidConfiguration("No address of the cloud is known.")
        for target in Self.cloudTargets(identity) {
            do {
                return try await dialer(trustDomain: identity.trustDomain).call(target, identity: identity) {
                    [request, options] client in
                    try await Hedgerow_Discovery_V1_DiscoveryService.Client(wrapping: client)
                        .discover(request, options: options)
                }
            } catch {
                try Task.checkCancellation()
                // An answer is an answer; another address of the same cloud gives the same.
                if case .answered = error.kind { throw error }
                failure = error
            }
        }
        throw failure
    }

    func link(to target: ServerTarget) async throws -> ServerLink {
        guard let identity = state.withLock({ $0.identity }) else { throw ThingError.closed }
        return try dialer(trustDomain: identity.trustDomain).link(to: target, identity: identity)
    }

    private static func cloudTargets(_ identity: StoredIdentity) -> [ServerTarget] {
        identity.cloud.map { endpoint in
            ServerTarget.cloud(
                at: endpoint, serverName: identity.cloudServerName, trustDomain: identity.trustDomain,
                root: identity.rootPEM)
        }
    }

    static func targets(_ answer: Hedgerow_Discovery_V1_DiscoverResponse) -> [ServerTarget] {
        answer.groups.flatMap { group in
            group.cores.flatMap { core in
                core.endpoints.map { endpoint in
                    ServerTarget(
                        core: core.core,
                        endpoint: NetworkEndpoint(host: endpoint.host, port: Int(endpoint.port)),
                        serverName: core.serverName, spiffeID: core.spiffeID, roots: group.caCertificates)
                }
            }
        }
    }
}
