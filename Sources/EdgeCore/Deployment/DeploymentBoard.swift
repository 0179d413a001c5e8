import HedgerowAPI
import RPCSupport
import Supervision
import SwiftProtobuf
import Synchronization

/// Where the attachment and whoever carries out deployments meet: orders one way, reports the other.
///
/// The attachment never waits here, and a deployment goes on while there is none.
final class DeploymentBoard: Sendable {
    /// Most orders that wait.
    static let maximumOrders = 64
    /// Most deployments with a report that waits.
    static let maximumReports = 16

    /// What is to be done.
    enum Order: Sendable {
        /// A deployment.
        case run(Hedgerow_Deployment_V1_DeploymentAssignment)
        /// One that is not wanted any more.
        case cancel(Hedgerow_Deployment_V1_DeploymentCancellation)
        /// There is an attachment: what could not be fetched before may be there.
        case attached
    }

    /// How a deployment stands.
    struct Entry: Sendable {
        let id: String
        let status: Hedgerow_Deployment_V1_DeploymentStatus
        var stage = Hedgerow_Deployment_V1_DeploymentStage.unspecified
        /// When the stage is over at the latest, on the clock of deployments.
        var deadline: Duration?
        var reason = ""
    }

    private struct State {
        var orders: [Order] = []
        var unsaid: [Entry] = []
        var current: Entry?
        var observer: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())
    private let clock: MonotonicClock
    private let wake: @Sendable () -> Void

    /// - Parameter wake: called when there is an order.
    init(clock: MonotonicClock, wake: @escaping @Sendable () -> Void) {
        self.clock = clock
        self.wake = wake
    }

    // MARK: The attachment's side

    /// Gives an order; false where too many wait.
    func order(_ order: Order) -> Bool {
        let isTaken = state.withLock { state in
            guard state.orders.count < Self.maximumOrders else { return false }
            state.orders.append(order)
            return true
        }
        if isTaken { wake() }
        return isTaken
    }

    /// Who is told that a report waits; it must not block.
    func observe(_ observer: @escaping @Sendable () -> Void) { state.withLock { $0.observer = observer } }

    /// In a new attachment, what is under way is said again.
    func repeatCurrent() {
        state.withLock { state in
            guard let current = state.current, !state.unsaid.contains(where: { $0.id == current.id }) else {
                return
            }
            state.unsaid.append(current)
        }
    }

    /// The reports that wait, in their order.
    func takeReports() -> [Hedgerow_Deployment_V1_DeploymentReport] {
        let entries = state.withLock { state in
            defer { state.unsaid = [] }
            return state.unsaid
        }
        return entries.map { entry in
            .with {
                $0.deploymentID = entry.id
                $0.status = entry.status
                $0.reason = String(entry.reason.prefix(1_000))
                $0.stage = entry.stage
                if let deadline = entry.deadline {
                    let (seconds, attoseconds) = max(deadline - clock.now(), .zero).components
                    $0.stageTimeLeft = .with {
                        $0.seconds = seconds
                        $0.nanos = Int32(attoseconds / 1_000_000_000)
                    }
                }
            }
        }
    }

    // MARK: The runner's side

    /// The orders that wait.
    func takeOrders() -> [Order] {
        state.withLock { state in
            defer { state.orders = [] }
            return state.orders
        }
    }

    /// Says how a deployment stands; an older word about the same one that was not said yet is dropped.
    func say(_ entry: Entry) {
        let observer = state.withLock { state in
            state.unsaid.removeAll { $0.id == entry.id }
            state.unsaid.append(entry)
            if state.unsaid.count > Self.maximumReports { state.unsaid.removeFirst() }
            if entry.status == .inProgress {
                state.current = entry
            } else if state.current?.id == entry.id {
                state.current = nil
            }
            return state.observer
        }
        observer?()
    }
}

extension DeploymentBoard.Entry {
    /// How a record stands.
    ///
    /// - Parameter deadline: of its stage, where it is under way.
    init(_ record: DeploymentRecord, deadline: Duration?) {
        let progress = record.progress
        id = record.id
        reason = progress.reason
        switch progress.outcome {
        case .succeeded?: status = .succeeded
        case .failed?: status = .failed
        case .rolledBack?: status = .rolledBack
        case .canceled?: status = .canceled
        case nil:
            status = .inProgress
            self.deadline = deadline
            stage =
                switch progress.stage {
                case .fetch: .fetch
                case .verify: .verify
                case .stage: .stage
                case .switch: .switch
                case .settle: .settle
                case .back: .back
                }
        }
    }
}
