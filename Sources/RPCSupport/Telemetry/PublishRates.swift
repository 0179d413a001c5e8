import GRPCCore
import HedgerowAPI
import Identity
import Synchronization

/// How fast each thing may publish, all its streams together: so many messages, and so many bytes, a second.
///
/// A thing that is too fast is made to wait: the server reads on when what it took is paid for, and HTTP/2's flow
/// control does the rest. Nothing is lost by it. Only where that would take longer than ``longestWait``, after a request
/// of very many messages for the limit, the stream ends: RESOURCE_EXHAUSTED `RATE_LIMITED`, with the time to wait.
///
/// Each thing has an account that fills at its rate and holds what comes in ``burst``. A request is taken while there is
/// something in it, and may leave it in debt. Accounts outlive the calls, so that nobody gains by connecting anew.
public final class PublishRates: Sendable {
    /// What a thing that was quiet may send at once: as much as in this time.
    public static let burst: Duration = .seconds(1)
    /// The longest that a server waits before it reads on.
    public static let longestWait: Duration = .seconds(30)
    /// From so many accounts on, full ones are forgotten.
    static let sweepAt = 4_096

    typealias Instant = ContinuousClock.Instant

    /// When all that was taken is paid for.
    private struct Account {
        var messages: Instant
        var bytes: Instant
    }

    private let messageTime: Duration?
    private let byteTime: Duration?
    private let accounts = Mutex<[Principal: Account]>([:])

    /// Makes rates.
    ///
    /// - Parameters:
    ///   - messagesPerSecond: of each thing; 0 for any number.
    ///   - bytesPerSecond: of each thing, as the server holds them; 0 for any number.
    public init(messagesPerSecond: Int = 0, bytesPerSecond: Int = 0) {
        messageTime = messagesPerSecond > 0 ? .seconds(1) / Double(messagesPerSecond) : nil
        byteTime = bytesPerSecond > 0 ? .seconds(1) / Double(bytesPerSecond) : nil
    }

    /// Waits until a publisher may send so much, and takes it from its account. Only things have one.
    ///
    /// - Throws: ``HedgerowError`` RESOURCE_EXHAUSTED `RATE_LIMITED`; `CancellationError`.
    func admit(_ publisher: Principal, _ items: [IngestItem]) async throws {
        guard publisher.role == .thing, messageTime != nil || byteTime != nil, !items.isEmpty else { return }
        var messages = 0
        var bytes = 0
        for item in items {
            if case .messages(let publication) = item { messages += publication.count } else { messages += 1 }
            bytes += item.weight
        }
        let wait = try wait(publisher, messages: messages, bytes: bytes, now: .now)
        if wait > .zero { try await ContinuousClock().sleep(for: wait) }
    }

    /// How long to wait before so much is taken, which is entered in the account.
    func wait(
        _ publisher: Principal, messages: Int, bytes: Int, now: Instant
    ) throws(HedgerowError) -> Duration {
        let wait = accounts.withLock { accounts -> Duration in
            if accounts[publisher] == nil, accounts.count >= Self.sweepAt {
                accounts = accounts.filter { max($0.value.messages, $0.value.bytes) > now }
            }
            var account = accounts[publisher] ?? Account(messages: now, bytes: now)
            let wait = max(now.duration(to: max(account.messages, account.bytes)) - Self.burst, .zero)
            guard wait <= Self.longestWait else { return wait }
            if let messageTime { account.messages = max(account.messages, now) + messageTime * messages }
            if let byteTime { account.bytes = max(account.bytes, now) + byteTime * bytes }
            accounts[publisher] = account
            return wait
        }
        guard wait > Self.longestWait else { return wait }
        throw HedgerowError(
            .resourceExhausted, .rateLimited,
            "\(publisher) has sent more than its limit allows for the next \(wait.components.seconds) s; send smaller "
                + "requests, or raise the limit of the server",
            retryAfter: wait)
    }

    var accountCount: Int { accounts.withLock { $0.count } }
}
