public import FoundationEssentials
import GRPCCore
import HedgerowAPI
import Identity
public import Logging
public import Messaging
import PKI
public import ServiceLifecycle

/// Renews the client certificate for as long as the process runs.
///
/// At two thirds of its validity, or earlier where the cloud said so, with a new key; looks at the clock at least
/// once a day, because timers stand still while a machine sleeps. A failure is logged and tried again with growing
/// waits: it never ends the service, because an old certificate still serves local work.
public struct IdentityRenewal: Service {
    /// How often the time is looked at, at least: once a day.
    public static let checkInterval: Duration = .seconds(86_400)
    /// The least time between two renewals: a minute.
    public static let shortestInterval: Duration = .seconds(60)
    /// How long the cloud may take to answer.
    public static let timeout: Duration = .seconds(15)

    private let dialer: CloudDialer
    private let now: @Sendable () -> Date
    private let backoff: Backoff
    private let logger: Logger

    /// Makes the service.
    ///
    /// - Parameters:
    ///   - dialer: connects to the cloud with the identity that is to be renewed.
    ///   - now: the time.
    ///   - backoff: the waits between failed attempts; at most an hour, since a third of the validity is left.
    ///   - logger: told what happens.
    public init(
        dialer: CloudDialer, now: @escaping @Sendable () -> Date = { Date() },
        backoff: Backoff = Backoff(maximum: .seconds(3_600)),
        logger: Logger
    ) {
        self.dialer = dialer
        self.now = now
        self.backoff = backoff
        self.logger = logger
    }

    /// Renews until the process stops.
    public func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await renewForEver() }
        } catch is CancellationError {
            // The process stops; nothing is left to be done.
        }
    }

    /// Renews now, whatever the time is.
    ///
    /// - Throws: ``EnrollmentError`` or `IdentityFileError`; then the certificate before stays in use.
    public func renew() async throws {
        let identity = dialer.identity
        let key = try await identity.pendingKey()
        var request = Hedgerow_Provisioning_V1_RenewRequest()
        request.signingRequest = Data(try key.signingRequest(commonName: identity.principal.name))
        let answer: Hedgerow_Provisioning_V1_RenewResponse
        do {
            answer = try await dialer.withClient { [request] client in
                var options = CallOptions.defaults
                options.timeout = Self.timeout
                let service = Hedgerow_Provisioning_V1_ProvisioningService.Client(wrapping: client)
                return try await service.renew(request, options: options)
            }
        } catch {
            try Task.checkCancellation()
            throw EnrollmentError(dialer.explain(error), cause: error)
        }
        let time = try Enrollment.renewTime(
            answer.hasRenewTime ? answer.renewTime : nil, chainPEM: answer.certificateChain)
        try await identity.renew(chainPEM: answer.certificateChain, keyPEM: key.pem, renewTime: time)
    }

    private func renewForEver() async throws {
        var backoff = backoff
        while true {
            let due = dialer.identity.stored.renewTime.timeIntervalSince(now())
            if due > 0 {
                try await Task.sleep(for: min(.seconds(due), Self.checkInterval))
                continue
            }
            do {
                try await renew()
                backoff.reset()
                logger.info(
                    "client certificate renewed",
                    metadata: [
                        "identity.principal": "\(dialer.identity.principal)",
                        "certificate.renew_time": "\(dialer.identity.stored.renewTime.formatted(.iso8601))",
                    ])
                // A certificate that is born due would make this loop a hot one.
                if dialer.identity.stored.renewTime <= now() {
                    try await Task.sleep(for: Self.shortestInterval)
                }
            } catch {
                try Task.checkCancellation()
                let wait = backoff.next()
                logger.warning(
                    "client certificate not renewed",
                    metadata: [
                        "identity.principal": "\(dialer.identity.principal)", "error.message": "\(error)",
                        "retry.after": "\(wait)",
                    ])
                try await Task.sleep(for: wait)
            }
        }
    }
}
