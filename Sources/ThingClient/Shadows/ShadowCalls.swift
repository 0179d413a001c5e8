import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Messaging
import RPCSupport
import Synchronization

/// Calls of the shadow service on whichever connection the thing has.
///
/// A connection is given up only when nothing runs on it, so a call ends with the session that it began in and is made
/// again in the next one where that does no harm.
final class ShadowCalls: Sendable {
    typealias Client = Hedgerow_Shadow_V1_ShadowService.Client<HTTP2ClientTransport.Posix>

    /// Calls at once on one connection; servers take no more.
    static let limit = 10
    /// How long a call may take before the line counts as broken.
    private static let timeout: Duration = .seconds(20)

    private struct State: Sendable {
        var number: UInt64 = 0
        var client: Client?
        var running = 0
        var ended: ThingError?
    }

    /// The session ended under a call.
    private struct SessionEnded: Error {}

    private let state = Mutex(State())
    private let changed = ChangeSignal()
    private let backoff: Backoff
    private let clock: any Clock<Duration>

    init(backoff: Backoff, clock: any Clock<Duration>) {
        self.backoff = backoff
        self.clock = clock
    }

    /// A session began.
    func begin(_ client: Client) {
        state.withLock { state in
            state.number += 1
            state.client = client
        }
        changed.notify()
    }

    /// The session is over: calls in it end.
    func finish() {
        state.withLock { $0.client = nil }
        changed.notify()
    }

    /// There will be no further session.
    func end(_ reason: ThingError) {
        state.withLock { if $0.ended == nil { $0.ended = reason } }
        changed.notify()
    }

    /// Makes a call, waiting for a connection.
    ///
    /// - Parameter repeatable: Whether it is made again where it is not known what became of it.
    /// - Throws: ``ThingError``, `CancellationError`.
    func call<Reply: Sendable>(
        repeatable: Bool, _ body: @escaping @Sendable (Client, CallOptions) async throws -> Reply
    ) async throws -> Reply {
        var backoff = backoff
        while true {
            let (number, client) = try await take()
            let outcome: Result<Reply, any Error>
            do {
                outcome = .success(try await run(number, client, body))
            } catch {
                outcome = .failure(error)
            }
            state.withLock { $0.running -= 1 }
            changed.notify()
            switch outcome {
            case .success(let reply): return reply
            case .failure(let error):
                try Task.checkCancellation()
                let wait = try Self.judge(error, repeatable: repeatable)
                try await clock.sleep(for: wait ?? backoff.next())
            }
        }
    }

    /// Whether a call that failed may be made again, and when at the earliest; nil for when it seems good.
    ///
    /// - Throws: ``ThingError`` where it may not.
    private static func judge(_ error: any Error, repeatable: Bool) throws(ThingError) -> Duration? {
        let problem: String
        if error is SessionEnded {
            problem = "the session ended"
        } else {
            let failure = CallerError(error)
            switch failure.kind {
            case .answered(.tooManyRequests):
                // Nothing was done.
                return (error as? RPCError).flatMap(HedgerowError.init)?.retryAfter ?? .milliseconds(100)
            case .answered(.shuttingDown), .answered(.sessionSuperseded): break
            case .answered(let reason):
                throw ThingError.shadowRefused(reason: reason, detail: failure.description)
            case .other where failure.code == .unimplemented:
                throw ThingError.shadowRefused(
                    reason: .unspecified, detail: "The server has no shadows; it is of an earlier version.")
            case .unreachable, .serverNotTrusted, .identityNotAccepted, .timedOut, .cancelled, .other: break
            }
            problem = failure.description
        }
        if !repeatable { throw ThingError.shadowUnanswered(problem: problem) }
        return nil
    }

    /// Waits for a session with room for another call.
    private func take() async throws -> (UInt64, Client) {
        var seen = changed.version
        while true {
            let session = try state.withLock { state throws(ThingError) -> (UInt64, Client)? in
                if let ended = state.ended { throw ended }
                guard let client = state.client, state.running < Self.limit else { return nil }
                state.running += 1
                return (state.number, client)
            }
            if let session { return session }
            seen = try await changed.wait(after: seen)
        }
    }

    /// Runs a call for as long as its session lasts.
    private func run<Reply: Sendable>(
        _ number: UInt64, _ client: Client,
        _ body: @escaping @Sendable (Client, CallOptions) async throws -> Reply
    ) async throws -> Reply {
        try await withThrowingTaskGroup(of: Reply.self) { group in
            group.addTask {
                var options = CallOptions.defaults
                options.timeout = Self.timeout
                return try await body(client, options)
            }
            group.addTask { [self] in
                var seen = changed.version
                while state.withLock({ $0.number == number && $0.client != nil }) {
                    seen = try await changed.wait(after: seen)
                }
                throw SessionEnded()
            }
            defer { group.cancelAll() }
            guard let reply = try await group.next() else { throw SessionEnded() }
            return reply
        }
    }
}
