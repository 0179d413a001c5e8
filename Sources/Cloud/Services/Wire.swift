import Components
import FoundationEssentials
import HedgerowAPI
import Identity
import RPCSupport
import SwiftProtobuf

/// Records as they go over the wire.
extension Hedgerow_Registry_V1_Thing {
    init(_ record: ThingRecord, connected: Bool) {
        self.init()
        name = record.name
        kind = Hedgerow_Registry_V1_ThingKind(record.kind)
        attributes = record.attributes
        type = record.type
        createTime = Google_Protobuf_Timestamp(record.createTime)
        group = record.group ?? ""
        self.connected = connected
        if let time = record.lastSeenTime { lastSeenTime = Google_Protobuf_Timestamp(time) }
    }
}

extension Hedgerow_Registry_V1_ThingKind {
    init(_ kind: ThingKind) {
        switch kind {
        case .thing: self = .thing
        case .core: self = .core
        }
    }
}

extension Hedgerow_Registry_V1_IdentityRole {
    /// The role; nil where the request does not name one that this version knows.
    var role: Role? {
        switch self {
        case .thing: .thing
        case .core: .core
        case .operator: .operator
        case .app: .app
        case .unspecified, .UNRECOGNIZED: nil
        }
    }
}

extension Hedgerow_Registry_V1_IssuedCertificate {
    init(_ record: CertificateRecord) {
        self.init()
        serialNumber = record.serialNumber
        notBeforeTime = Google_Protobuf_Timestamp(record.notBefore)
        notAfterTime = Google_Protobuf_Timestamp(record.notAfter)
        if let time = record.revokeTime { revokeTime = Google_Protobuf_Timestamp(time) }
    }
}

extension Hedgerow_Registry_V1_GroupAuthority {
    init(_ record: AuthorityRecord) {
        self.init()
        fingerprint = record.fingerprint
        notBeforeTime = Google_Protobuf_Timestamp(record.notBefore)
        notAfterTime = Google_Protobuf_Timestamp(record.notAfter)
        signing = record.signing
    }
}

extension Hedgerow_Type_V1_GroupRevision {
    /// - Parameter lock: what a deployment resolved the component instances to; none outside of one.
    init(_ record: RevisionRecord, lock: [LockedComponent] = []) {
        self.init()
        group = record.group
        revision = record.number
        cores = record.definition.cores
        things = record.definition.things
        subscriptions = record.definition.subscriptions.map(Hedgerow_Type_V1_Subscription.init)
        streams = record.definition.effectiveStreams.sorted { $0.key < $1.key }
            .map { Hedgerow_Type_V1_StreamSettings(name: $0.key, settings: $0.value) }
        if let settings = record.definition.shadows { shadows = Hedgerow_Type_V1_ShadowSettings(settings) }
        createTime = Google_Protobuf_Timestamp(record.createTime)
        components = record.definition.components.map { instance in
            var message = Hedgerow_Type_V1_ComponentInstance(instance)
            // What an alias points at may have changed since the lock was made, and cores do not look it up.
            if instance.request.alias != nil, let entry = lock.first(where: { $0.instance == instance.name })
            {
                message.version = entry.version.description
            }
            return message
        }
        self.lock = lock.map(Hedgerow_Type_V1_LockedComponent.init)
    }
}

extension Hedgerow_Type_V1_LockedComponent {
    init(_ entry: LockedComponent) {
        self.init()
        instance = entry.instance
        component = entry.component
        version = entry.version.description
        recipeDigest = Data(entry.recipeDigest)
        added = entry.isAdded
        artifacts = entry.artifacts.map(Hedgerow_Type_V1_ArtifactReference.init)
    }
}

extension Hedgerow_Registry_V1_ComponentVersion {
    init(_ record: ComponentRecord, groups: [String]) {
        self.init()
        name = record.name
        version = record.version.description
        description_p = record.description
        recipeDigest = Data(record.digest)
        createTime = Google_Protobuf_Timestamp(record.createTime)
        self.groups = groups
    }
}

extension Hedgerow_Type_V1_Subscription {
    init(_ subscription: Components.Subscription) {
        self.init()
        from = subscription.from.description
        topicFilter = subscription.topicFilter
        to = subscription.to.description
        via = subscription.via ?? ""
    }
}

extension Hedgerow_Type_V1_Endpoint {
    init(_ endpoint: CoreEndpoint) {
        self.init()
        host = endpoint.host
        port = UInt32(clamping: endpoint.port)
        metadata = endpoint.metadata
    }
}

extension Hedgerow_Deployment_V1_Deployment {
    init(_ record: DeploymentRecord, isAttached: (String) -> Bool) {
        self.init()
        id = record.id
        group = record.group
        revision = record.revision
        createTime = Google_Protobuf_Timestamp(record.createTime)
        lock = record.lock.map(Hedgerow_Type_V1_LockedComponent.init)
        rollout = Hedgerow_Deployment_V1_RolloutPolicy(record.rollout)
        state = Hedgerow_Deployment_V1_RolloutState(record.state)
        stateReason = record.stateReason
        creator = record.creator
        lockOfDeployment = record.lockOf ?? ""
        cores = record.cores.map { core in
            var message = Hedgerow_Deployment_V1_CoreDeployment()
            message.core = core.core
            message.status = Hedgerow_Deployment_V1_DeploymentStatus(core.stage)
            message.reason = core.reason
            message.updateTime = Google_Protobuf_Timestamp(core.updateTime)
            message.connected = isAttached(core.core)
            if let time = core.startTime { message.startTime = Google_Protobuf_Timestamp(time) }
            if core.stage == .inProgress {
                message.stage = Hedgerow_Deployment_V1_DeploymentStage(rawValue: core.step) ?? .unspecified
                if let time = core.deadline { message.stageEndTime = Google_Protobuf_Timestamp(time) }
            }
            return message
        }
    }
}

extension Hedgerow_Deployment_V1_DeploymentStatus {
    init(_ stage: CoreStage) {
        switch stage {
        case .pending: self = .pending
        case .inProgress: self = .inProgress
        case .succeeded: self = .succeeded
        case .failed: self = .failed
        case .rolledBack: self = .rolledBack
        case .canceled: self = .canceled
        case .timedOut: self = .timedOut
        }
    }

    /// What a core may report; nil for what only the cloud decides.
    var reported: CoreStage? {
        switch self {
        case .inProgress: .inProgress
        case .succeeded: .succeeded
        case .failed: .failed
        case .rolledBack: .rolledBack
        case .canceled: .canceled
        case .unspecified, .pending, .timedOut, .UNRECOGNIZED: nil
        }
    }
}

extension Google_Protobuf_Timestamp {
    /// A time, rounded to milliseconds.
    init(_ date: Date) {
        let milliseconds = date.milliseconds
        let seconds = milliseconds >= 0 ? milliseconds / 1000 : (milliseconds - 999) / 1000
        self.init(seconds: seconds, nanos: Int32(milliseconds - seconds * 1000) * 1_000_000)
    }

    /// The time; the wire's nanoseconds beyond a double's precision are lost.
    var asDate: Date { Date(timeIntervalSince1970: Double(seconds) + Double(nanos) / 1e9) }
}

extension Google_Protobuf_Duration {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(seconds: seconds, nanos: Int32(attoseconds / 1_000_000_000))
    }

    /// The duration.
    var asDuration: Duration { .seconds(seconds) + .nanoseconds(Int64(nanos)) }
}
