public import GRDB
public import Identity
public import Logging
public import PKI
public import RPCSupport

/// What the parts of a running core share.
public struct CoreParts: Sendable {
    /// The configuration.
    public let configuration: CoreConfiguration
    /// Who the core is.
    public let principal: Principal
    /// The core's one database.
    public let database: DatabasePool
    /// The revision that runs.
    public let revision: ActiveRevision
    /// Connects to the cloud.
    public let dialer: CloudDialer
    /// The core's client certificate.
    public let identity: CurrentIdentity
    /// The calls of things that are open now.
    public let activeCalls: ActiveCalls
    /// The time.
    public let clock: ClockFloor
    /// What the health service says.
    public let health: HealthRegistry
    /// Files of components.
    let artifacts: ArtifactStore
    /// What components may ask for.
    let cpuTemperature: CPUTemperature
    /// What components did.
    let activity: ComponentActivity
    /// For everything that is logged.
    public let logger: Logger

    /// The core's name.
    public var name: String { principal.name }
}
