import Components
import GRDB
import HedgerowAPI
import Logging
import RPCSupport
import ServiceLifecycle
import StreamStore
import Supervision
import Synchronization

/// Carries out deployments, with the cloud or without it.
///
/// It lives beside the attachment: that hands it orders and takes its reports (``DeploymentBoard``), and what is fetched
/// comes over a connection of its own, so that bulk never delays the attachment. A deployment is a row in the core's
/// database that says where it is; a core that starts again goes on there. Each stage has a deadline on a clock that
/// nobody sets, and a fresh one after at most ``DeploymentProgress/maximumRestarts`` restarts of the core: so a
/// deployment always comes to an end.
final class DeploymentRunner: Service {
    /// What it needs.
    struct Parts: Sendable {
        let core: String
        let database: DatabasePool
        let revision: ActiveRevision
        let commit: DeploymentCommit
        let dialer: CloudDialer
        let status: AttachmentStatus
        let activeCalls: ActiveCalls
        let cpuTemperature: CPUTemperature
        /// Who watches what a revision brought.
        let watches: [any SettlingWatch]
        /// Runs the programs of components; nil where there are none.
        let programs: Programs?
        let timing: CoreConfiguration.Timing
        /// What this core runs on.
        let platform: Platform
        /// Files of components.
        let artifacts: ArtifactStore
        let clock: MonotonicClock
        let logger: Logger
        let board: DeploymentBoard
    }

    private enum Event: Sendable {
        case ended(StageTicket, StageTicket.Result)
        case overdue(StageTicket)
        case repairDue
    }

    /// Where orders are given, and reports are.
    let board: DeploymentBoard
    private let parts: Parts
    private let wake: Signal
    // At most two events of a ticket, and tickets follow one another.
    private let events: Mutex<[Event]>

    init(
        core: String, database: DatabasePool, revision: ActiveRevision, commit: DeploymentCommit,
        dialer: CloudDialer, status: AttachmentStatus, activeCalls: ActiveCalls,
        cpuTemperature: CPUTemperature, watches: [any SettlingWatch], programs: Programs? = nil,
        timing: CoreConfiguration.Timing, platform: Platform = .current, artifacts: ArtifactStore,
        clock: MonotonicClock = .continuous, logger: Logger
    ) {
        let wake = Signal()
        let board = DeploymentBoard(clock: clock) { wake.signal() }
        self.board = board
        self.wake = wake
        events = Mutex([])
        parts = Parts(
            core: core, database: database, revision: revision, commit: commit, dialer: dialer,
            status: status, activeCalls: activeCalls, cpuTemperature: cpuTemperature,
            watches: watches + (programs.map { [$0] } ?? []), programs: programs,
            timing: timing,
            platform: platform, artifacts: artifacts,
            clock: clock, logger: logger, board: board)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { await self.carryOut() }
    }

    private func carryOut() async {
        await withDiscardingTaskGroup { group in
            var driver = DeploymentDriver(parts: parts)
            start(await driver.recover(), in: &group)
            while !Task.isCancelled {
                for order in board.takeOrders() { start(await driver.handle(order), in: &group) }
                for event in takeEvents() {
                    switch event {
                    case .ended(let ticket, let result):
                        start(await driver.handle(result, of: ticket), in: &group)
                        guard let wait = driver.takeRepairWait() else { continue }
                        group.addTask { [parts] in
                            if (try? await parts.clock.sleep(wait)) != nil { self.post(.repairDue) }
                        }
                    case .overdue(let ticket): start(await driver.handleOverdue(ticket), in: &group)
                    case .repairDue: start(driver.repair(), in: &group)
                    }
                }
                let retention = driver.takeRetention()
                if retention.isDue {
                    if driver.underWay == nil { parts.programs?.secrets.forgetUnderWay() }
                    group.addTask { [parts, underWay = driver.underWay] in
                        await StageWork(parts: parts).retainSecrets(beside: underWay)
                        await StageWork(parts: parts).retainArtifacts(
                            beside: underWay, keepsRest: retention.keepsRest)
                    }
                }
                await wake.wait()
            }
            group.cancelAll()
        }
    }

    private func start(_ ticket: StageTicket?, in group: inout DiscardingTaskGroup) {
        guard let ticket else { return }
        let work = StageWork(parts: parts)
        group.addTask {
            await ticket.carryOut {
                await work.run(ticket)
            } tell: {
                self.post(.ended(ticket, $0))
            }
        }
        group.addTask { [clock = parts.clock] in
            await ticket.watchDeadline(clock) { self.post(.overdue(ticket)) }
        }
    }

    private func post(_ event: Event) {
        events.withLock { $0.append(event) }
        wake.signal()
    }

    private func takeEvents() -> [Event] {
        events.withLock { events in
            defer { events = [] }
            return events
        }
    }
}
