import Components
import FoundationEssentials

/// What a core says when it attaches.
struct CoreHelloRecord: Hashable, Sendable {
    var core: String
    var version: String
    var endpoints: [CoreEndpoint]
    /// Revision that it says it runs.
    var active: RevisionID?
    var clockSkewMilliseconds: Int64
    /// What it says it runs on; nil where it does not.
    var platform: Platform?
}

/// A deployment to be made.
struct NewDeployment: Hashable, Sendable {
    var id: String
    var group: String
    /// The newest where it is 0.
    var revision: UInt64
    /// What the component instances of that revision were resolved to; stored with the deployment.
    var lock: [LockedComponent]
    var rollout = RolloutPolicy()
    /// Who makes it.
    var creator = ""
    /// The deployment whose lock it has, as a rollback; nil where its versions were resolved anew.
    var lockOf: String?
}

/// How far a core says it is.
struct CoreReport: Hashable, Sendable {
    var deploymentID: String
    var stage: CoreStage
    var reason: String
    /// Where it is while it is in progress, as on the wire.
    var step = 0
    /// When that is over at the latest; nil where the core does not say.
    var deadline: Date?
}

/// What came of a report.
struct RecordedReport: Hashable, Sendable {
    /// Whether the deployment exists.
    var known: Bool
    /// The revision that the core runs from now on, where the report said so.
    var active: RevisionRecord?
    /// Why the rollout was stopped by this report; nil where it was not.
    var aborted: String?
}

/// Keeps deployments and what cores run.
///
/// Every function is one transaction: it happens wholly or, where it throws, not at all.
protocol DeploymentStore: Sendable {
    /// Makes a deployment of a revision to all its cores, and cancels what older ones had not finished there.
    ///
    /// - Throws: ``StoreError/notFound(_:)``, ``StoreError/requestIDReused``, ``StoreError/inUse(_:)`` where
    ///   a core of it belongs to another group by now.
    func createDeployment(
        _ new: NewDeployment, request: RequestKey?, at time: Date
    ) async throws -> DeploymentRecord

    /// The deployment that an earlier request with this id made, nil where there was none.
    ///
    /// - Throws: ``StoreError/requestIDReused``, ``StoreError/notFound(_:)`` where it was deleted since.
    func deployment(madeBy request: RequestKey?) async throws -> DeploymentRecord?

    /// One deployment, nil where there is none.
    func deployment(id: String) async throws -> DeploymentRecord?

    /// Deployments older than a sequence, the newest first; `group` nil means all.
    func deployments(of group: String?, before sequence: Int64, limit: Int) async throws -> [DeploymentRecord]

    /// Records what a core said when it attached.
    ///
    /// - Returns: the revision that it runs as far as the cloud believes it: one that exists and names it.
    func recordHello(_ hello: CoreHelloRecord, at time: Date) async throws -> RevisionRecord?

    /// What some cores run on; those that did not say are missing.
    func platforms(of cores: [String]) async throws -> [String: Platform]

    /// What a core runs by the deployment that it finished last; nil where that is not known.
    func running(on core: String) async throws -> RunningDeployment?

    /// Records that the addresses of a core changed.
    func recordEndpoints(_ endpoints: [CoreEndpoint], of core: String) async throws

    /// What a core is to be told now: its newest deployment, unless that ended with a refusal there or the
    /// core runs it, or its turn has not come, or it was canceled. Marks it as being in progress until the
    /// deadline, and remembers that the core may run its revision, and ask for the recipes of its lock, from now
    /// on. A core that runs it already, with the same lock, is marked as succeeded, unless one that it was told
    /// before may still be under way there: then it is told.
    ///
    /// - Parameter told: sequence of the deployment that the core was told on this attachment; 0 for none. It
    ///   is not told twice.
    /// - Returns: the assignment, nil where there is none, and whether a status changed.
    func takeAssignment(
        core: String, at time: Date, deadline: Date, told: Int64
    ) async throws -> (assignment: AssignmentRecord?, changed: Bool)

    /// Records how far a core is. A canceled deployment stays canceled; a report that comes after the
    /// deadline still counts.
    ///
    func recordReport(_ report: CoreReport, core: String, at time: Date) async throws -> RecordedReport

    /// Pauses, resumes or cancels a deployment. To ask for what is so already changes nothing.
    ///
    /// - Throws: ``StoreError/notFound(_:)``, ``StoreError/deploymentOver(_:)``.
    func decide(
        _ decision: RolloutDecision, deployment id: String, at time: Date
    ) async throws -> DeploymentRecord

    /// Rollouts in waves that may begin a core now, the oldest first.
    func openRollouts(at time: Date) async throws -> [OpenRollout]

    /// The canceled deployment that a core is still at, with the reason; nil where there is none.
    func cancellation(of core: String) async throws -> (deploymentID: String, reason: String)?

    /// Marks what is over its deadline as timed out, and stops rollouts of which too many failed.
    ///
    /// - Parameter longest: how far ahead a deadline may be. One that is further is from before the clock was set back,
    ///   and comes so near.
    /// - Returns: how many.
    func expire(at time: Date, longest: Duration) async throws -> Int

    /// Records which CA signed a core's newest server certificate.
    func recordServerAuthority(_ fingerprint: String, of core: String) async throws

    /// What is known of some cores, by name; those that never attached are missing.
    func cores(named names: [String]) async throws -> [String: CoreRecord]

    /// Everything that ``FleetDirectory`` starts from.
    func fleet() async throws -> FleetRecord

    /// Deletes all but the newest deployments of each group; what a core is still to do is kept.
    func pruneDeployments(keeping count: Int) async throws
}

/// The fleet as it is stored.
struct FleetRecord: Sendable {
    /// Things and cores by name.
    var things: [String: ThingKind] = [:]
    /// Newest revision of each group.
    var newest: [RevisionRecord] = []
    /// What each core runs.
    var active: [String: RevisionRecord] = [:]
    /// Names of all things that any revision ever given to a core has held, by core.
    var carried: [String: Set<String>] = [:]
    /// Newest deployed revision of each group.
    var deployed: [String: RevisionRecord] = [:]
}
