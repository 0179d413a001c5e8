import FoundationEssentials
import HedgerowAPI
import PKI
import Synchronization

/// What an attached core is still to be told. Flags, not a queue: each kind of news is told once, in its newest
/// form, however often it changed while the core was slow.
final class AttachMailbox: Sendable {
    /// Kinds of news.
    struct News: OptionSet, Hashable, Sendable {
        let rawValue: UInt8
        static let welcome = News(rawValue: 1)
        static let assignment = News(rawValue: 2)
        static let revocations = News(rawValue: 4)
        static let superseded = News(rawValue: 8)
        /// Its group, or its group's CA, changed: a waiting request for a certificate may be answered now.
        static let authority = News(rawValue: 16)
        /// Secrets of its group are others now.
        static let secrets = News(rawValue: 32)
    }

    /// A wish that the core ask for a new certificate.
    struct RenewalWish: Hashable, Sendable {
        var reason: String
        var within: Duration
    }

    /// Everything that is to be told now.
    struct Content: Sendable {
        var news: News = []
        var renewal: RenewalWish?
        var signingRequest: SigningRequest?
        var commands: [StreamCommands.Command] = []

        var isEmpty: Bool {
            news.isEmpty && renewal == nil && signingRequest == nil && commands.isEmpty
        }
    }

    /// Core name.
    let core: String
    /// Wake-ups for the one who empties the box.
    let wakeups: AsyncStream<Void>
    /// What the core was asked to do and has not answered.
    let commands: StreamCommands
    private let content = Mutex(Content())
    private let continuation: AsyncStream<Void>.Continuation

    init(core: String) {
        self.core = core
        commands = StreamCommands(core: core)
        (wakeups, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Adds news.
    func post(_ news: News) {
        content.withLock { _ = $0.news.insert(news) }
        continuation.yield()
    }

    /// Adds a wish for a renewal; a newer one takes the place of an older one.
    func post(_ renewal: RenewalWish) {
        content.withLock { $0.renewal = renewal }
        continuation.yield()
    }

    /// Adds the core's request for a certificate; a newer one takes the place of an older one.
    func post(_ request: SigningRequest) {
        content.withLock { $0.signingRequest = request }
        continuation.yield()
    }

    /// Sends a command, and waits for its result.
    ///
    /// - Throws: what ``StreamCommands/run(_:limit:time:post:)`` throws.
    func run(
        _ command: StreamCommands.Command, limit: Duration, time: TimeSource
    ) async throws -> StreamCommands.Result {
        try await commands.run(command, limit: limit, time: time) { [continuation] in continuation.yield() }
    }

    /// Empties the box.
    func take() -> Content {
        var taken = content.withLock { content in
            defer { content = Content() }
            return content
        }
        taken.commands = commands.takeOutgoing()
        return taken
    }
}
