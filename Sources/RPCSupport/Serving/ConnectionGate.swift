import Logging
import NIOCore
import NIOSSL
import NIOTLS
import Synchronization

/// Counts a listener's connections and ends those that are too many or never finish their handshake, so that
/// nobody without an identity can use up the machine's descriptors.
final class ConnectionGate: Sendable {
    private let limits: ConnectionLimits
    private let limiter = OncePerMinute()
    private let count = Mutex(0)

    init(_ limits: ConnectionLimits) {
        self.limits = limits
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
            let tls = try pipeline.handler(type: NIOSSLServerHandler.self)
            try pipeline.addHandler(HandshakeDeadline(limits.handshake), position: .after(tls))
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
        if case .handshakeCompleted? = event as? TLSUserEvent {
            timer?.cancel()
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }
}
