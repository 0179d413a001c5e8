import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Carries what arrives on one end of a connection through a ``FaultLink`` to the other end, as the link's conditions
/// say. Lives on the proxy's event loop, as its opposite does.
final class FaultPump: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    /// What a link tells its connections.
    enum Event: Sendable {
        case cut, forget
    }

    /// Most bytes that are on the way; beyond it nothing more is read, so that the sender feels it.
    private static let maximumOnTheWay = 256 << 10

    private let link: FaultLink
    private let partner: (any Channel)?
    /// The other direction; nil where it was a black hole from the beginning.
    var opposite: FaultPump?

    private var context: ChannelHandlerContext?
    private var onTheWay = CircularBuffer<(due: NIODeadline, bytes: ByteBuffer)>()
    private var bytesOnTheWay = 0
    private var isReading = true
    private var isDead = false
    private var hasEnded = false
    private var lineIsFree = NIODeadline.now()
    private var timer: Scheduled<Void>?

    init(link: FaultLink, partner: (any Channel)?) {
        self.link = link
        self.partner = partner
        isDead = partner == nil
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        // Both ends of the circle go when both channels are closed.
        if opposite?.context == nil {
            opposite?.opposite = nil
            opposite = nil
        }
    }

    // MARK: What comes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        let conditions = link.conditions
        if conditions.isBlackHole { die() }
        guard !isDead else { return }
        let now = NIODeadline.now()
        var due = now + TimeAmount(conditions.delay)
        if let rate = link.rate(of: bytes.readableBytes) {
            lineIsFree =
                max(lineIsFree, now) + .nanoseconds(Int64(bytes.readableBytes) * 1_000_000_000 / Int64(rate))
            due = max(due, lineIsFree)
        }
        // What is on the way keeps its order when the delay becomes shorter.
        if let last = onTheWay.last { due = max(due, last.due) }
        onTheWay.append((due, bytes))
        bytesOnTheWay += bytes.readableBytes
        if bytesOnTheWay > Self.maximumOnTheWay { read(false) }
        deliver()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { opposite?.deliver() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        hasEnded = true
        deliver()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A reset is passed on as a reset.
        if !isDead, let partner { Self.reset(partner) }
        isDead = true
        context.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event as? Event {
        case .cut:
            die()
            if let partner { Self.reset(partner) }
            Self.reset(context.channel)
        case .forget: die()
        case nil: context.fireUserInboundEventTriggered(event)
        }
    }

    // MARK: What goes

    /// Sends on what is due, and comes back for the rest.
    private func deliver() {
        guard !isDead, let partner else { return }
        let now = NIODeadline.now()
        var hasWritten = false
        while let next = onTheWay.first, next.due <= now, partner.isWritable {
            onTheWay.removeFirst()
            bytesOnTheWay -= next.bytes.readableBytes
            partner.write(next.bytes, promise: nil)
            hasWritten = true
        }
        if hasWritten { partner.flush() }
        if bytesOnTheWay <= Self.maximumOnTheWay { read(true) }
        timer?.cancel()
        timer = nil
        if let next = onTheWay.first {
            // Without room there, its end of the line says when there is some.
            guard partner.isWritable else { return }
            timer = partner.eventLoop.assumeIsolated().scheduleTask(deadline: next.due) { self.deliver() }
        } else if hasEnded {
            partner.close(promise: nil)
        }
    }

    private func read(_ reads: Bool) {
        guard reads != isReading, let context else { return }
        isReading = reads
        context.channel.setOption(.autoRead, value: reads).whenComplete { _ in }
    }

    /// From now on nothing passes in either direction.
    private func die() {
        for pump in [self, opposite] {
            guard let pump else { continue }
            pump.isDead = true
            pump.onTheWay.removeAll()
            pump.bytesOnTheWay = 0
            pump.timer?.cancel()
            // What comes is read and thrown away.
            pump.read(true)
        }
    }

    /// Closes a channel by a reset instead of an end.
    static func reset(_ channel: any Channel) {
        guard let options = channel as? any SocketOptionProvider else { return channel.close(promise: nil) }
        options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in
            channel.close(promise: nil)
        }
    }
}
