import GRPCCore
import HedgerowAPI
import RPCSupport
import Synchronization

/// The commands that are under way to one attached core: each waits for its result, not longer than its time.
final class StreamCommands: Sendable {
    /// Most commands under way to one core.
    static let maximum = 16

    typealias Command = Hedgerow_Deployment_V1_StreamCommand
    typealias Result = Hedgerow_Deployment_V1_StreamCommandResult

    private typealias Waiter = CheckedContinuation<Result, any Error>

    private struct State {
        var next: UInt64 = 1
        /// Nil until its task waits.
        var waiters: [UInt64: Waiter?] = [:]
        var outgoing: [Command] = []
        var isClosed = false
    }

    private let core: String
    private let state = Mutex(State())

    init(core: String) { self.core = core }

    /// Sends a command and waits for its result.
    ///
    /// - Parameters:
    ///   - limit: How long to wait.
    ///   - post: Tells the writer that something is to be sent.
    /// - Throws: `HedgerowError` where the core is busy, goes away or does not answer in time.
    func run(
        _ command: Command, limit: Duration, time: TimeSource, post: @escaping @Sendable () -> Void
    ) async throws -> Result {
        var command = command
        command.commandID = try reserve()
        defer { forget(command.commandID) }
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { [command] in try await self.result(of: command, post: post) }
            group.addTask {
                try await time.sleep(limit)
                return nil
            }
            defer { group.cancelAll() }
            guard let result = try await group.next() ?? nil else {
                throw HedgerowError(
                    .deadlineExceeded, .unspecified,
                    "the core \"\(core)\" did not answer within \(limit); it may still do what it was asked, see its log before you try again"
                )
            }
            return result
        }
    }

    /// Takes the commands that are to be sent.
    func takeOutgoing() -> [Command] {
        state.withLock { state in
            defer { state.outgoing = [] }
            return state.outgoing
        }
    }

    /// Takes a result; false where nobody waits for it.
    func receive(_ result: Result) -> Bool {
        let waiter = state.withLock { $0.waiters.removeValue(forKey: result.commandID) ?? nil }
        waiter?.resume(returning: result)
        return waiter != nil
    }

    /// The core went away: nobody gets a result any more.
    func close() {
        let waiters = state.withLock { state in
            state.isClosed = true
            defer { state.waiters = [:] }
            return state.waiters.values.compactMap { $0 }
        }
        for waiter in waiters { waiter.resume(throwing: wentAway) }
    }

    // MARK: Parts

    private var wentAway: HedgerowError {
        HedgerowError(
            .unavailable, .coreAway,
            "the core \"\(core)\" went away before it answered; try again when it is back")
    }

    private func reserve() throws -> UInt64 {
        try state.withLock { state in
            if state.isClosed { throw wentAway }
            guard state.waiters.count < Self.maximum else {
                throw HedgerowError(
                    .resourceExhausted, .tooManyCalls,
                    "\(Self.maximum) commands are under way to the core \"\(core)\"; try again in a moment",
                    retryAfter: .seconds(1))
            }
            defer { state.next += 1 }
            state.waiters.updateValue(nil, forKey: state.next)
            return state.next
        }
    }

    private func forget(_ id: UInt64) {
        state.withLock { state in
            _ = state.waiters.removeValue(forKey: id)
            state.outgoing.removeAll { $0.commandID == id }
        }
    }

    private func result(of command: Command, post: @Sendable () -> Void) async throws -> Result {
        let id = command.commandID
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (waiter: Waiter) in
                let failure: (any Error)? = state.withLock { state in
                    if state.isClosed { return wentAway }
                    // Cancelled before it waited.
                    guard state.waiters.keys.contains(id) else { return CancellationError() }
                    state.waiters.updateValue(waiter, forKey: id)
                    state.outgoing.append(command)
                    return nil
                }
                if let failure { waiter.resume(throwing: failure) } else { post() }
            }
        } onCancel: {
            let waiter = state.withLock { $0.waiters.removeValue(forKey: id) ?? nil }
            waiter?.resume(throwing: CancellationError())
        }
    }
}
