import NIOCore

/// Closes a connection on which nothing has arrived for too long.
///
/// A line can be dead without an end: the peer lost its power, or a router forgot the connection. The transport pings a
/// silent peer, so one that is there is never silent for long. But when the answer does not come the transport only
/// asks the peer to go, and waits for its answer to that. So this handler, the one nearest to the socket, closes.
final class SilenceDeadline: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    private let limit: TimeAmount
    private var lastRead: NIODeadline = .now()
    private var timer: Scheduled<Void>?

    /// - Parameter limit: longer than the transport waits before it pings, by the time that an answer may take.
    init(_ limit: Duration) {
        self.limit = TimeAmount(limit)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { watch(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
    }

    func channelActive(context: ChannelHandlerContext) {
        watch(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastRead = .now()
        context.fireChannelRead(data)
    }

    private func watch(_ context: ChannelHandlerContext) {
        lastRead = .now()
        schedule(NIOLoopBound((self, context), eventLoop: context.eventLoop))
    }

    private func schedule(_ bound: NIOLoopBound<(SilenceDeadline, ChannelHandlerContext)>) {
        timer = bound.value.1.eventLoop.scheduleTask(deadline: lastRead + limit) {
            let (handler, context) = bound.value
            if NIODeadline.now() - handler.lastRead >= handler.limit {
                // From below TLS: nobody is there to say goodbye to.
                context.close(promise: nil)
            } else {
                handler.schedule(bound)
            }
        }
    }
}
