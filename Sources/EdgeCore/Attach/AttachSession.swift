import Components
import FoundationEssentials
import GRPCCore
import HedgerowAPI
import Identity
import Logging
import PKI
import RPCSupport
import SwiftProtobuf

/// One attachment: what the core says to what the cloud says.
///
/// Events are handled one after another, so its state needs no lock. What a deployment asks for is done elsewhere
/// (``DeploymentRunner``): here are only its orders and reports.
struct AttachSession {
    private let parts: AttachAgent.Parts
    private let outbox: AsyncStream<Hedgerow_Deployment_V1_AttachRequest>.Continuation
    private let logger: Logger
    private let began = ContinuousClock.now

    private var isWelcome = false
    /// Whether the cloud has a group for this core, so that it can sign a certificate.
    private var hasGroup = false
    private var reported: [Hedgerow_Type_V1_Endpoint] = []
    /// The key of the request that is under way.
    private var pending: (key: PrivateKey, since: ContinuousClock.Instant)?
    /// What was last reported of the components: when, and up to which change; nil before the first report.
    private var lastStatuses: (time: ContinuousClock.Instant, changes: UInt64, number: UInt64)?
    /// What was last reported of the streams, and when; nil before the first report.
    private var lastStreams: (time: ContinuousClock.Instant, streams: [Hedgerow_Stream_V1_StreamStatus])?
    /// Commands that are being carried out.
    private var runningCommands = 0
    /// Whether a further request is wanted when the one under way has its answer.
    private var wantsAnother = false

    init(
        parts: AttachAgent.Parts, outbox: AsyncStream<Hedgerow_Deployment_V1_AttachRequest>.Continuation
    ) {
        self.parts = parts
        self.outbox = outbox
        self.logger = parts.logger
    }

    /// Says hello.
    mutating func begin() throws {
        reported = endpoints()
        // What is being watched may be taken back: until it has settled, the cloud counts on what was before it.
        let settled = parts.revision.settled
        try send { request in
            request.hello.version = parts.version
            request.hello.endpoints.endpoints = reported
            request.hello.platform = parts.platform.values
            request.hello.activeGroup = settled?.group ?? ""
            request.hello.activeRevision = settled?.revision ?? 0
            request.hello.localTime = Google_Protobuf_Timestamp(date: parts.systemTime())
        }
    }

    /// Handles one event.
    ///
    /// - Returns: what is to be done beside it.
    /// - Throws: what ends the attachment.
    mutating func handle(_ event: AttachEvent) async throws -> AttachAction? {
        switch event {
        case .tick: try tick()
        case .reportsWait: try reportDeployments()
        case .commandEnded(let result):
            runningCommands -= 1
            try send { $0.streamCommandResult = result }
        case .renewalDue: try requestCertificate(reason: "asked for by the cloud")
        case .message(let message):
            switch message.event {
            case .welcome(let welcome):
                try receive(welcome)
                // Whatever changed while nobody was there to be told.
                return .refreshSecrets
            case .secretsChanged: return .refreshSecrets
            case .assignment(let assignment): try order(.run(assignment))
            case .cancellation(let cancellation): try order(.cancel(cancellation))
            case .serverCertificate(let certificate): try await receive(certificate)
            case .renewServerCertificate(let wish):
                return try receive(wish).map { .renewCertificate(after: $0) }
            case .revokedCertificates(let list): try await receive(list)
            case .streamCommand(let command): return try receive(command)
            case nil: logger.debug("message of a newer cloud ignored")
            }
        }
        return nil
    }

    // MARK: Events

    private mutating func receive(_ welcome: Hedgerow_Deployment_V1_CoreWelcome) throws {
        isWelcome = true
        hasGroup = !welcome.group.isEmpty || parts.revision.current != nil
        let serverTime = Date(timeIntervalSince1970: TimeInterval(welcome.serverTime.seconds))
        let ahead = parts.systemTime().timeIntervalSince(serverTime)
        let isKnown = welcome.hasServerTime
        if isKnown { parts.clock.observe(serverTime) }
        parts.status.update { status in
            status.isAttached = true
            status.attachments += 1
            status.lastError = nil
            status.clockAhead = isKnown ? .seconds(ahead) : nil
        }
        logger.info(
            "attached to the cloud",
            metadata: [
                "group.name": "\(welcome.group)", "revision": "\(parts.revision.current?.revision ?? 0)",
            ])
        if isKnown, abs(ahead) >= 60 {
            logger.warning(
                "this machine's clock is wrong; set it (NTP), the core goes on meanwhile with the cloud's time as floor",
                metadata: ["clock.ahead_seconds": "\(Int(ahead))"])
        }
        parts.deployments.repeatCurrent()
        try order(.attached)
        try reportDeployments()
        try reportStatuses()
        try reportStreams()
        try requestCertificateWhereDue()
    }

    private mutating func tick() throws {
        guard isWelcome else {
            if began.duration(to: .now) > parts.timing.welcome {
                throw HedgerowError(
                    .deadlineExceeded, .unspecified, "the cloud did not answer within \(parts.timing.welcome)"
                )
            }
            return
        }
        let current = endpoints()
        if current != reported {
            reported = current
            try send { $0.endpoints.endpoints = current }
            logger.info("addresses changed", metadata: ["core.endpoints": "\(current.map(\.host))"])
            // The certificate names the addresses, for clients that compare them.
            if hasGroup { try requestCertificate(reason: "addresses changed") }
        }
        if let pending, pending.since.duration(to: .now) > parts.timing.certificate {
            logger.warning("the cloud did not answer a certificate request; asking again")
            self.pending = nil
            try requestCertificate(reason: "no answer")
        }
        try reportDeployments()
        try reportStatuses()
        try reportStreams()
        try requestCertificateWhereDue()
    }

    /// Hands an order on. The cloud sends again what is lost with the attachment.
    private func order(_ order: DeploymentBoard.Order) throws {
        guard parts.deployments.order(order) else {
            throw HedgerowError(
                .resourceExhausted, .queueFull,
                "more than \(DeploymentBoard.maximumOrders) orders of the cloud wait on this core; attaching again"
            )
        }
    }

    /// Says how deployments stand.
    private mutating func reportDeployments() throws {
        guard isWelcome else { return }
        for report in parts.deployments.takeReports() { try send { $0.report = report } }
        // A group's first revision brings the right to a certificate.
        if !hasGroup, parts.revision.current != nil {
            hasGroup = true
            try requestCertificateWhereDue()
        }
    }

    /// Says what the components did: at once in a new attachment, then after changes and not too often.
    private mutating func reportStatuses() throws {
        let running = parts.revision.running
        let (changes, number) = (parts.activity.changes, running?.number ?? 0)
        if let last = lastStatuses {
            guard last.changes != changes || last.number != number,
                last.time.duration(to: .now) >= parts.timing.statuses
            else { return }
        } else if running?.components.isEmpty ?? true {
            return
        }
        lastStatuses = (.now, changes, number)
        let statuses = parts.activity.statuses(of: running).map { status in
            guard let component = running?.components[status.instance],
                let program = parts.programs?.report(of: component)
            else { return status }
            var status = status
            status.program = program
            return status
        }
        try send { $0.componentStatuses.components = statuses }
    }

    /// Says how the streams stand: at once in a new attachment, then after changes and not too often.
    private mutating func reportStreams() throws {
        guard let streams = parts.monitor?.statuses, !streams.isEmpty else { return }
        if let last = lastStreams {
            guard last.time.duration(to: .now) >= parts.timing.statuses, last.streams != streams else {
                return
            }
        }
        lastStreams = (.now, streams)
        try send { $0.streamStatuses.streams = streams }
    }

    /// Takes a command, unless too many are being carried out.
    private mutating func receive(
        _ command: Hedgerow_Deployment_V1_StreamCommand
    ) throws -> AttachAction? {
        guard parts.commands != nil, runningCommands < StreamCommandRunner.maximum else {
            try send { $0.streamCommandResult = StreamCommandRunner.refusal(of: command) }
            return nil
        }
        runningCommands += 1
        return .run(command)
    }

    private mutating func receive(_ certificate: Hedgerow_Deployment_V1_ServerCertificate) async throws {
        guard let pending else {
            logger.warning("a server certificate came that was not asked for; ignored")
            return
        }
        self.pending = nil
        do {
            try await parts.certificate.install(certificate, key: pending.key, now: parts.clock.now())
            logger.info(
                "server certificate in use",
                metadata: [
                    "certificate.renew_time": "\(parts.certificate.renewTime?.formatted(.iso8601) ?? "")"
                ])
        } catch {
            logger.error(
                "server certificate cannot be used; the one before stays in use",
                metadata: ["error.message": "\(error)"])
        }
        if wantsAnother {
            wantsAnother = false
            try requestCertificate(reason: "asked for while another request was under way")
        }
    }

    private mutating func receive(_ wish: Hedgerow_Deployment_V1_RenewServerCertificate) throws -> Duration? {
        hasGroup = true
        logger.info("the cloud asks for a certificate request", metadata: ["reason": "\(wish.reason)"])
        // Only a day's worth of spreading makes sense; a wish beyond that is a mistake.
        let within = min(max(0, Double(wish.within.seconds) + Double(wish.within.nanos) / 1e9), 86_400)
        if within > 0, parts.certificate.isAvailable { return .seconds(Double.random(in: 0..<within)) }
        try requestCertificate(reason: wish.reason)
        return nil
    }

    private func receive(_ list: Hedgerow_Deployment_V1_RevokedCertificates) async throws {
        let serials = list.serialNumbers
        if serials.count > RevokedCertificates.maximumCount {
            logger.error(
                "the cloud's list of revoked certificates is too long; what is beyond the limit is not checked here",
                metadata: [
                    "list.count": "\(serials.count)", "list.limit": "\(RevokedCertificates.maximumCount)",
                ])
        }
        do {
            let added = try await parts.revoked.replace(with: serials)
            parts.certificates.cut(added)
            logger.debug("revoked certificates noted", metadata: ["list.count": "\(serials.count)"])
        } catch {
            try Task.checkCancellation()
            // Attaching again brings the list again.
            throw HedgerowError(
                .unavailable, .storageFailed,
                "the list of revoked certificates could not be stored: \(error)",
                cause: error)
        }
    }

    // MARK: The server certificate

    private mutating func requestCertificateWhereDue() throws {
        guard hasGroup, pending == nil else { return }
        if let time = parts.certificate.renewTime {
            if time <= parts.clock.now() { try requestCertificate(reason: "due") }
        } else {
            try requestCertificate(reason: "there is none")
        }
    }

    private mutating func requestCertificate(reason: String) throws {
        guard pending == nil else {
            wantsAnother = true
            return
        }
        let key = PrivateKey.generate()
        let request = Data(try key.signingRequest(commonName: parts.dialer.identity.principal.name))
        pending = (key, .now)
        logger.debug("server certificate requested", metadata: ["reason": "\(reason)"])
        try send { $0.serverCertificateRequest.signingRequest = request }
    }

    // MARK: Sending

    private func endpoints() -> [Hedgerow_Type_V1_Endpoint] {
        // A port that the system chooses is known once the server runs; until then there is nothing to report.
        let port = parts.listeningPort.current ?? parts.configuredPort
        return port == 0 ? [] : parts.addresses.endpoints(port: port)
    }

    private func send(_ fill: (inout Hedgerow_Deployment_V1_AttachRequest) -> Void) throws {
        var request = Hedgerow_Deployment_V1_AttachRequest()
        fill(&request)
        if case .dropped = outbox.yield(request) {
            throw HedgerowError(
                .resourceExhausted, .queueFull,
                "more than \(AttachEvent.maximumQueued) reports wait for the cloud; attaching again")
        }
    }
}
