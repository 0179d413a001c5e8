import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Synchronization

/// A call that stays open and asks when it is told to.
final class OpenStream: Sendable {
    private let state = Mutex((answers: 0, hasEnded: false))
    private let questions: AsyncStream<Void>
    private let asking: AsyncStream<Void>.Continuation

    init() { (questions, asking) = AsyncStream.makeStream() }

    var answers: Int { state.withLock { $0.answers } }
    var hasEnded: Bool { state.withLock { $0.hasEnded } }

    func ask() { asking.yield() }
    func end() { asking.finish() }

    func run(_ client: GRPCClient<HTTP2ClientTransport.Posix>) async {
        try? await Telemetry.Client(wrapping: client).publish { writer in
            for await _ in self.questions { try await writer.write(.init()) }
        } onResponse: { response in
            for try await _ in response.messages { self.state.withLock { $0.answers += 1 } }
        }
        state.withLock { $0.hasEnded = true }
    }
}
