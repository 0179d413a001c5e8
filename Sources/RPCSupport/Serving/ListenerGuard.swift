import Logging
import NIOCore
import Observability

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Keeps a listener that cannot accept a connection: it waits a moment and goes on.
///
/// Where the system has no descriptor or no memory left for a further connection, accepting fails until some are given
/// back. Without a pause the loop that accepts would try again and again, and take a whole processor (lesson 10); and
/// whatever reads from the listener would take the error for its end.
final class ListenerGuard: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    /// How long a listener waits that could not accept.
    static let pause: Duration = .milliseconds(250)

    private let logger: Logger?
    private let limiter = OncePerMinute()
    private var isPaused = false

    init(logger: Logger?) {
        self.logger = logger
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let code = (error as? IOError)?.errnoCode else { return context.fireErrorCaught(error) }
        switch code {
        case ECONNABORTED:
            // The peer went away before it was accepted.
            return
        case EMFILE, ENFILE, ENOBUFS, ENOMEM:
            wait(context, because: error)
        default:
            context.fireErrorCaught(error)
        }
    }

    private func wait(_ context: ChannelHandlerContext, because error: any Error) {
        guard !isPaused else { return }
        isPaused = true
        if let suppressed = limiter.admit("accept") {
            logger?.warning(
                "cannot accept connections for the moment",
                metadata: ["error.message": "\(error)", "left-out-before": "\(suppressed)"])
        }
        let channel = context.channel
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        channel.setOption(.autoRead, value: false)
            .flatMap { channel.eventLoop.scheduleTask(in: TimeAmount(Self.pause)) {}.futureResult }
            .flatMap { channel.setOption(.autoRead, value: true) }
            .whenComplete { _ in bound.value.isPaused = false }
    }
}
