import Logging
import NIOCore
import NIOSSL
import NIOTLS
import Observability
import Synchronization

/// Counts a listener's connections and ends those that are too many, never finish their handshake or have fallen
/// silent, so that nobody without an identity, and nobody who is gone, uses up the machine's descriptors. Gives each
/// connection the listener's own TLS.
final class ConnectionGate: Sendable {
    private let limits: ConnectionLimits
    private let tls: ListenerTLS
    private let limiter = OncePerMinute()
    private let count = Mutex(0)

    init(_ limits: ConnectionLimits, tls: ListenerTLS) {
        self.limits = limits
        self.tls = tls
    }

    /// Called by the transport on the event loop of each accepted connection.
    @Sendable func admit(_ channel: any Channel) -> EventLoopFuture<Void> {
        let isAdmitted = count.withLock { count in
            guard count < limits.maximum else { return false }
            count += 1
            return true
        }
        guard isAdmitted else {
            if let suppressed = limiter.admit("connections") {
                limits.logger?.warning(
                    "closed a connection: there are too many",
                    metadata: ["maximum": "\(limits.maximum)", "left-out-before": "\(suppressed)"])
            }
            // Not by failing this future: an error here would reach the listener.
            channel.close(promise: nil)
            return channel.eventLoop.makeSucceededVoidFuture()
        }
        channel.closeFuture.whenComplete { _ in self.count.withLock { $0 -= 1 } }
        return channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            let transport = try pipeline.handler(type: NIOSSLServerHandler.self)
            try pipeline.addHandler(SilenceDeadline(limits.silence), position: .first)
            try pipeline.addHandler(tls.handler(), position: .before(transport))
            try pipeline.addHandler(HandshakeDeadline(limits.handshake), position: .after(transport))
            // It has seen nothing yet: the channel is not active before this is done.
            pipeline.removeHandler(transport, promise: nil)
        }
    }
}

/// Closes a connection whose TLS handshake takes too long, and leaves the pipeline when it is done.
private final class HandshakeDeadline: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let limit: Duration
    private var timer: Scheduled<Void>?

    init(_ limit: Duration) {
        self.limit = limit
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        timer = context.eventLoop.scheduleTask(in: TimeAmount(limit)) { channel.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // First: a context that was removed passes nothing on, and the transport looks at the protocol in it.
        context.fireUserInboundEventTriggered(event)
        if case .handshakeCompleted? = event as? TLSUserEvent {
            timer?.cancel()
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        }
    }
}
