import FoundationEssentials
import GRPCCore
import HedgerowAPI
import Identity
import Logging
import PKI
import RPCSupport
import SwiftProtobuf
import Transforms

/// One attachment: what the core says to what the cloud says.
///
/// Events are handled one after another, so its state needs no lock and a revision is never applied beside another.
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
    /// The revision that is being prepared.
    private var staging: StagingTicket?
    /// What was last reported of the components: when, and up to which change; nil before the first report.
    private var lastStatuses: (time: ContinuousClock.Instant, changes: UInt64, number: UInt64)?
    /// What was last reported of the streams, and when; nil before the first report.
    private var lastStreams: (time: ContinuousClock.Instant, streams: [Hedgerow_Stream_V1_StreamStatus])?
    /// Commands that are being carried out.
    private var runningCommands = 0
    /// Whether a further request is wanted when the one under way has its answer.
    private var wantsAnother = false
    /// When to try again to replace damaged recipes, and how long to wait after that.
    private var nextRepair: ContinuousClock.Instant?
    private var repairBackoff: Backoff

    init(
        parts: AttachAgent.Parts, outbox: AsyncStream<Hedgerow_Deployment_V1_AttachRequest>.Continuation
    ) {
        self.parts = parts
        self.outbox = outbox
        self.logger = parts.logger
        let reconnect = parts.timing.reconnect
        repairBackoff = Backoff(initial: reconnect.first, maximum: reconnect.longest)
    }

    /// Says hello.
    mutating func begin() throws {
        reported = endpoints()
        try send { request in
            request.hello.version = parts.version
            request.hello.endpoints.endpoints = reported
            request.hello.activeGroup = parts.revision.current?.group ?? ""
            request.hello.activeRevision = parts.revision.current?.revision ?? 0
            request.hello.localTime = Google_Protobuf_Timestamp(date: parts.systemTime())
        }
    }

    /// Handles one event.
    ///
    /// - Returns: what is to be done beside it.
    /// - Throws: what ends the attachment.
    mutating func handle(_ event: AttachEvent) async throws -> AttachAction? {
        switch event {
        case .tick:
            try tick()
            return repairAgain()
        case .staged(let ticket, let outcome): try await receive(outcome, of: ticket)
        case .commandEnded(let result):
            runningCommands -= 1
            try send { $0.streamCommandResult = result }
        case .renewalDue: try requestCertificate(reason: "asked for by the cloud")
        case .message(let message):
            switch message.event {
            case .welcome(let welcome):
                try receive(welcome)
                return repair()
            case .assignment(let assignment): return try receive(assignment)
            case .serverCertificate(let certificate): try await receive(certificate)
            case .renewServerCertificate(let wish):
                return try receive(wish).map { .renewCertificate(after: $0) }
            case .revokedCertificates(let list): try await receive(list)
            case .streamCommand(let command): return try receive(command)
            case .cancellation, nil: logger.debug("message of a newer cloud ignored")
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
        try reportStatuses()
        try reportStreams()
        try requestCertificateWhereDue()
    }

    private mutating func receive(
        _ assignment: Hedgerow_Deployment_V1_DeploymentAssignment
    ) throws -> AttachAction? {
        // Whatever is being prepared is not wanted any more.
        staging?.supersede()
        staging = nil
        let running = parts.revision.running
        // The lock is part of the revision: other versions of the components are a change.
        guard running?.revision != assignment.revision || running?.unusable.isEmpty == false else {
            try report(assignment.deploymentID, .succeeded, "the core runs this revision already")
            return nil
        }
        try report(assignment.deploymentID, .inProgress, "fetching recipes, checking and switching")
        let ticket = StagingTicket(assignment)
        staging = ticket
        return .stage(ticket)
    }

    private mutating func receive(
        _ outcome: Result<StagedRevision, StagingProblem>, of ticket: StagingTicket
    ) async throws {
        guard ticket === staging else { return }
        staging = nil
        let id = ticket.assignment.deploymentID
        let revision = ticket.assignment.revision
        var logger = logger
        logger[metadataKey: "deployment.id"] = "\(id)"
        logger[metadataKey: "group.name"] = "\(revision.group)"
        logger[metadataKey: "revision"] = "\(revision.revision)"
        let staged: StagedRevision
        do throws(StagingProblem) {
            staged = try outcome.get()
        } catch {
            if ticket.isRepair {
                logger.error(
                    "damaged recipes could not be replaced yet", metadata: ["error.message": "\(error)"])
                return
            }
            logger.error("deployment refused", metadata: ["error.message": "\(error)"])
            try report(id, .failed, error.description)
            return
        }
        // The first message that asks for it must find a sample.
        if staged.components.contains(where: { $0.access.contains(.cpuTemperature) }) {
            await parts.cpuTemperature.prepare()
        }
        let removed: Set<String>
        do {
            removed = try await parts.revision.apply(staged, deploymentID: id)
        } catch {
            try Task.checkCancellation()
            logger.error("deployment not stored", metadata: ["error.message": "\(error)"])
            if ticket.isRepair { return }
            try report(id, .failed, "the core could not store the revision and runs the one before: \(error)")
            return
        }
        for thing in removed {
            guard let principal = try? Principal(role: .thing, name: thing) else { continue }
            let reason = HedgerowError(
                .permissionDenied, .notInGroup,
                "the thing \"\(thing)\" was taken out of group \"\(revision.group)\" by revision \(revision.revision); "
                    + "ask the cloud for its cores again")
            parts.activeCalls.cancel(principal, reason: reason)
        }
        hasGroup = true
        if ticket.isRepair {
            logger.info("damaged recipes were replaced; the components run again")
            return
        }
        logger.info("deployment runs", metadata: ["things.removed": "\(removed.count)"])
        try report(id, .succeeded, "")
        try requestCertificateWhereDue()
    }

    /// Fetches again what this core cannot read of the revision that it runs; the cloud believes it to run well.
    private mutating func repair() -> AttachAction? {
        guard let running = parts.revision.running, !running.unusable.isEmpty, staging == nil else {
            return nil
        }
        var assignment = Hedgerow_Deployment_V1_DeploymentAssignment()
        assignment.deploymentID = parts.revision.deploymentID
        assignment.revision = running.revision
        let ticket = StagingTicket(assignment, isRepair: true)
        staging = ticket
        return .stage(ticket)
    }

    /// The same again, after longer and longer waits, while recipes stay damaged and nothing else is prepared.
    private mutating func repairAgain() -> AttachAction? {
        guard isWelcome, staging == nil, parts.revision.running?.unusable.isEmpty == false else {
            nextRepair = nil
            return nil
        }
        guard let due = nextRepair else {
            nextRepair = .now + repairBackoff.next()
            return nil
        }
        guard due <= .now else { return nil }
        nextRepair = nil
        return repair()
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
        let statuses = parts.activity.statuses(of: running)
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

    private func report(
        _ deployment: String, _ status: Hedgerow_Deployment_V1_DeploymentStatus, _ reason: String
    ) throws {
        try send { request in
            request.report.deploymentID = deployment
            request.report.status = status
            request.report.reason = String(reason.prefix(1_000))
        }
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
