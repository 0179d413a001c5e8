import Components
import FoundationEssentials
import Identity
import Logging
import RPCSupport
import Synchronization

/// The parts that the cloud's services share.
struct CloudContext: Sendable {
    let configuration: CloudConfiguration
    let time: TimeSource
    let logger: Logger

    /// Everything durable; telemetry has its tables in it too.
    let database: CloudDatabase
    let registry: any RegistryStore
    let credentials: any CredentialStore
    let deployments: any DeploymentStore
    var components: any ComponentStore
    /// Files of components.
    let artifacts: ArtifactVault
    /// Aliases that are about to be moved, by component: what a check of manifests resolves against.
    var pendingAliases: [String: [String: SemanticVersion]] = [:]

    let authorities: CloudAuthorities
    let groupAuthorities: GroupAuthorities
    let revocations: RevocationList

    /// The fleet in memory.
    let directory: FleetDirectory
    /// Who is connected. Telemetry calls `enter` and `leave` for things that are connected directly.
    let presence: Presence
    let hub: AttachHub
    /// What cores said about their components.
    let componentStatuses: ComponentStatusBoard
    /// What cores said about their streams.
    let streamStatuses: StreamStatusBoard
    /// Fires whenever the status of a deployment, or whether a core is attached, changes.
    let deploymentChanges: ChangeSignal
    /// Open calls by identity.
    let activeCalls: ActiveCalls

    let addresses: AdvertisedAddresses
    /// The ports that are listened on, once they are.
    let ports: ListeningPorts

    /// The time of day.
    var now: Date { time.now() }
    /// Trust domain in SPIFFE IDs.
    var trustDomain: String { configuration.trustDomain }
}

/// The ports that the cloud listens on.
final class ListeningPorts: Sendable {
    private let ports = Mutex<(mtls: Int, enrollment: Int)?>(nil)

    init() {}

    /// Nil before the listeners are up.
    var current: (mtls: Int, enrollment: Int)? { ports.withLock { $0 } }

    func set(mtls: Int, enrollment: Int) { ports.withLock { $0 = (mtls, enrollment) } }
}
