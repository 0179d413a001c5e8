import HedgerowAPI
import StreamStore
import Synchronization

/// One revision on its way to be staged; a newer one takes its place at any moment.
final class StagingTicket: Sendable {
    /// What the cloud assigned.
    let assignment: Hedgerow_Deployment_V1_DeploymentAssignment
    /// Whether the core does it for itself, for the revision that it runs: a recipe on its disk was damaged.
    let isRepair: Bool
    private let end = Signal()
    private let isOver = Mutex(false)

    init(_ assignment: Hedgerow_Deployment_V1_DeploymentAssignment, isRepair: Bool = false) {
        self.assignment = assignment
        self.isRepair = isRepair
    }

    /// Ends the staging; its outcome is not wanted any more.
    func supersede() {
        isOver.withLock { $0 = true }
        end.signal()
    }

    /// Runs the staging until it is done or superseded.
    ///
    /// - Returns: the outcome; nil where it was superseded or the task was cancelled.
    func run(
        _ stage: @escaping @Sendable () async throws -> StagedRevision
    ) async -> Result<StagedRevision, StagingProblem>? {
        await withTaskGroup(of: Result<StagedRevision, StagingProblem>?.self) { group in
            group.addTask {
                do {
                    return .success(try await stage())
                } catch let problem as StagingProblem {
                    return .failure(problem)
                } catch {
                    if Task.isCancelled { return nil }
                    return .failure(
                        StagingProblem(description: "the revision could not be prepared: \(error)"))
                }
            }
            group.addTask {
                await self.end.wait()
                return nil
            }
            let outcome = await group.next() ?? nil
            group.cancelAll()
            return isOver.withLock { $0 } ? nil : outcome
        }
    }
}
