import NIOCore
import NIOTLS

/// Closes a connection whose TLS handshake takes too long, and leaves the pipeline when it is done.
///
/// In a rush the machine is what takes long, and not the peer: then there is more time.
final class HandshakeDeadline: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let limit: TimeAmount
    private let mayGoOn: () -> Bool
    private let onCompleted: () -> Void
    private let began = NIODeadline.now()
    private var timer: Scheduled<Void>?

    /// - Parameters:
    ///   - limit: how long a handshake may take.
    ///   - mayGoOn: asked each time the limit is reached, up to ``ConnectionLimits/handshakeInRush``.
    ///   - onCompleted: called when the handshake is done.
    init(_ limit: Duration, mayGoOn: @escaping () -> Bool, onCompleted: @escaping () -> Void) {
        self.limit = TimeAmount(limit)
        self.mayGoOn = mayGoOn
        self.onCompleted = onCompleted
    }

    func handlerAdded(context: ChannelHandlerContext) {
        watch(context.channel)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        let isDone = if case .handshakeCompleted? = event as? TLSUserEvent { true } else { false }
        if isDone { onCompleted() }
        // Before it goes: a context that was removed passes nothing on, and the transport looks at the protocol in it.
        context.fireUserInboundEventTriggered(event)
        if isDone {
            timer?.cancel()
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        }
    }

    private func watch(_ channel: any Channel) {
        let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
        timer = channel.eventLoop.scheduleTask(in: limit) {
            let handler = bound.value
            let longest = handler.began + TimeAmount(ConnectionLimits.handshakeInRush)
            if NIODeadline.now() + handler.limit <= longest, handler.mayGoOn() {
                handler.watch(channel)
            } else {
                channel.close(promise: nil)
            }
        }
    }
}
