import Components
import FoundationEssentials
import GRPCCore
import HedgerowAPI
import Identity
import PKI
import RPCSupport
import SwiftProtobuf

/// What the core is told.
extension AttachSession {
    /// Writes what the mailbox says, until the core is superseded or the call ends.
    func write(to responses: RPCWriter<Hedgerow_Deployment_V1_AttachResponse>) async throws {
        /// Deployment that this attachment told last: once is enough on an ordered stream.
        var told: Int64 = 0
        /// Request that waits until the core is in a group.
        var waiting: SigningRequest?
        for await _ in mailbox.wakeups {
            let content = mailbox.take()
            if content.isEmpty { continue }
            if content.news.contains(.superseded) { throw Self.superseded }
            if content.news.contains(.welcome) { try await responses.write(welcome) }
            if content.news.contains(.revocations) { try await responses.write(revocations) }
            if content.news.contains(.assignment) {
                try await cancel(responses)
                try await assign(told: &told, responses)
            }
            if content.news.contains(.secrets) {
                try await responses.write(.with { $0.secretsChanged = .init() })
            }
            for command in content.commands {
                var response = Hedgerow_Deployment_V1_AttachResponse()
                response.streamCommand = command
                try await responses.write(response)
            }
            if let request = content.signingRequest { waiting = request }
            if let request = waiting, let certificate = try await certificate(for: request) {
                waiting = nil
                try await responses.write(certificate)
            } else if waiting == nil {
                var wish = content.renewal
                if wish == nil, content.news.contains(.authority) { wish = try await overdueRenewal() }
                if let wish { try await responses.write(Self.message(wish)) }
            }
        }
    }

    private static var superseded: HedgerowError {
        HedgerowError(
            .aborted, .sessionSuperseded,
            "the core attached again, and the newer attachment took over; if two machines use this identity, give "
                + "one of them its own")
    }

    private var welcome: Hedgerow_Deployment_V1_AttachResponse {
        var welcome = Hedgerow_Deployment_V1_CoreWelcome()
        welcome.serverTime = Google_Protobuf_Timestamp(cloud.now)
        welcome.group = cloud.directory.group(ofThing: core.name) ?? ""
        var response = Hedgerow_Deployment_V1_AttachResponse()
        response.welcome = welcome
        return response
    }

    private var revocations: Hedgerow_Deployment_V1_AttachResponse {
        var response = Hedgerow_Deployment_V1_AttachResponse()
        response.revokedCertificates.serialNumbers = cloud.revocations.all
        return response
    }

    private static func message(
        _ wish: AttachMailbox.RenewalWish
    ) -> Hedgerow_Deployment_V1_AttachResponse {
        var response = Hedgerow_Deployment_V1_AttachResponse()
        response.renewServerCertificate.reason = wish.reason
        response.renewServerCertificate.within = Google_Protobuf_Duration(wish.within)
        return response
    }

    /// Tells a core to stop what it is at, where that was canceled.
    private func cancel(_ responses: RPCWriter<Hedgerow_Deployment_V1_AttachResponse>) async throws {
        guard let canceled = try await cloud.deployments.cancellation(of: core.name) else { return }
        var response = Hedgerow_Deployment_V1_AttachResponse()
        response.cancellation.deploymentID = canceled.deploymentID
        response.cancellation.reason = canceled.reason
        try await responses.write(response)
    }

    private func assign(
        told: inout Int64, _ responses: RPCWriter<Hedgerow_Deployment_V1_AttachResponse>
    ) async throws {
        let now = cloud.now
        let (assignment, changed) = try await cloud.deployments.takeAssignment(
            core: core.name, at: now, deadline: now.adding(cloud.configuration.deploymentDeadline), told: told
        )
        if changed { cloud.deploymentChanges.fire() }
        guard let assignment else { return }
        // It may send messages of its new things before it says that it switched.
        cloud.directory.assign(assignment.revision, to: core.name)
        told = assignment.sequence
        var response = Hedgerow_Deployment_V1_AttachResponse()
        response.assignment.deploymentID = assignment.deploymentID
        response.assignment.failurePolicy =
            switch assignment.rollout.failurePolicy {
            case .rollback: .rollback
            case .stay: .stay
            }
        if let time = assignment.rollout.settlingTime {
            response.assignment.settlingTime = Google_Protobuf_Duration(milliseconds: time.milliseconds)
        }
        response.assignment.revision = Hedgerow_Type_V1_GroupRevision(
            assignment.revision, lock: assignment.lock)
        try await responses.write(response)
    }

    // MARK: Server certificates

    /// The group whose CA signs for the core: that of what it runs, since its things trust that; before it runs
    /// anything, the one that names it.
    private var group: String? {
        cloud.directory.activeRevision(of: core.name)?.group ?? cloud.directory.group(ofThing: core.name)
    }

    /// A certificate for the core; nil where it is in no group yet.
    private func certificate(
        for request: SigningRequest
    ) async throws -> Hedgerow_Deployment_V1_AttachResponse? {
        guard let group else { return nil }
        let addresses = try await cloud.deployments.cores(named: [core.name])[core.name]?.endpoints ?? []
        do {
            let (leaf, authority) = try await cloud.groupAuthorities.issueServerCertificate(
                for: core, group: group, request: request, addresses: addresses.map(\.host),
                trustDomain: cloud.trustDomain)
            try await cloud.deployments.recordServerAuthority(authority, of: core.name)
            var response = Hedgerow_Deployment_V1_AttachResponse()
            response.serverCertificate.certificateChain = leaf.chainPEM
            response.serverCertificate.renewTime = Google_Protobuf_Timestamp(cloud.now.adding(.days(1)))
            response.serverCertificate.serverName = CoreServerName.name(forCore: core.name)
            return response
        } catch let error as PKIError {
            throw HedgerowError(signing: error)
        }
    }

    /// Whether the core's certificate is of another CA than the one that signs for its group now: replaced while
    /// it was away, or it moved to another group.
    private func overdueRenewal() async throws -> AttachMailbox.RenewalWish? {
        guard let group else { return nil }
        let signing = try await cloud.credentials.groupAuthorities(of: group).first(where: \.signing)
        let present = try await cloud.deployments.cores(named: [core.name])[core.name]?.serverAuthority
        guard let signing, signing.fingerprint != present else { return nil }
        let reason =
            present == nil
            ? "the core has no certificate of group \"\(group)\" yet"
            : "the certificate authority of group \"\(group)\" is another one by now"
        return AttachMailbox.RenewalWish(reason: reason, within: .zero)
    }
}
