import GRDB
import StreamStore
import Synchronization

@testable import EdgeCore

/// A disk that is full for what needs room, after some transactions more.
final class FullDisk: Sendable {
    private let left = Mutex(Int.max)

    func fill(after commits: Int) { left.withLock { $0 = commits } }

    func commit(_ database: DatabasePool) -> DeploymentCommit {
        let straight = DeploymentCommit(database)
        return DeploymentCommit { needsRoom, work in
            let isFull =
                needsRoom
                && self.left.withLock { left in
                    if left == 0 { return true }
                    if left != .max { left -= 1 }
                    return false
                }
            if isFull { throw StorageError.full(path: database.path) }
            try await straight(needsRoom, work)
        }
    }
}
