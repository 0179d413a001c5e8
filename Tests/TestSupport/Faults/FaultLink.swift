import NIOCore
import NIOPosix
import Synchronization

/// One line of a ``FaultProxy``. What is wrong with it may be changed at any time, several things at once.
public final class FaultLink: Sendable {
    /// What is wrong with a line.
    public struct Conditions: Hashable, Sendable {
        /// New connections are reset as soon as they are there.
        public var isRefusing = false
        /// What arrives vanishes, also that of new connections, and nobody is told. A connection that anything of
        /// has vanished is dead from then on, whatever the line becomes.
        public var isBlackHole = false
        /// How much later everything arrives, each way.
        public var delay = Duration.zero
        /// How much passes each way; nil for all that comes.
        public var bytesPerSecond: Int?
        /// From which ``FaultLink/carriedBytes`` on that holds.
        public var slowFromBytes: UInt64 = 0

        /// A line that is as it should be.
        public init() {}
    }

    private struct State {
        var port = 0
        var conditions = Conditions()
        var channels: [ObjectIdentifier: any Channel] = [:]
        var accepted = 0
        var carried: UInt64 = 0
    }

    /// What it is called in messages.
    public let name: String
    private let state = Mutex(State())

    init(name: String) { self.name = name }

    /// The port on loopback that it listens at.
    public var port: Int { state.withLock { $0.port } }
    /// Connections that are open at the moment, dead ones included.
    public var connectionCount: Int { state.withLock { $0.channels.count } }
    /// Connections that were ever accepted.
    public var acceptedCount: Int { state.withLock { $0.accepted } }
    /// Bytes that ever arrived, both ways together.
    public var carriedBytes: UInt64 { state.withLock { $0.carried } }
    /// What is wrong with it now.
    public var conditions: Conditions { state.withLock { $0.conditions } }

    /// Changes what is wrong with it.
    public func update(_ change: (inout Conditions) -> Void) { state.withLock { change(&$0.conditions) } }

    /// Lets nearly nothing pass any more once so many bytes more have arrived, until ``release()``.
    public func hold(after bytes: Int) {
        state.withLock { state in
            state.conditions.slowFromBytes = state.carried + UInt64(bytes)
            state.conditions.bytesPerSecond = 16 << 10
        }
    }

    /// Lets everything pass again, over new connections: those that there are, are reset.
    public func release() {
        update { conditions in
            conditions.slowFromBytes = 0
            conditions.bytesPerSecond = nil
        }
        cut()
    }

    /// Resets every connection that is open.
    public func cut() { tell(.cut) }

    /// Lets every connection that is open die without a sign: both ends keep it, and nothing arrives on it any more,
    /// as where a router forgot it. New ones are not concerned.
    public func forget() { tell(.forget) }

    private func tell(_ event: FaultPump.Event) {
        for channel in state.withLock({ Array($0.channels.values) }) {
            channel.pipeline.fireUserInboundEventTriggered(event)
        }
    }

    /// Counts bytes that are on their way.
    ///
    /// - Returns: how much may pass a second now; nil for all that comes.
    func rate(of bytes: Int) -> Int? {
        state.withLock { state in
            state.carried += UInt64(bytes)
            return state.carried >= state.conditions.slowFromBytes ? state.conditions.bytesPerSecond : nil
        }
    }

    func listens(at port: Int) { state.withLock { $0.port = port } }

    /// Takes a new connection, on its event loop, which is that of the connection onwards too.
    func accept(_ channel: any Channel, passingOnTo target: Int) {
        let id = ObjectIdentifier(channel)
        let conditions = state.withLock { state in
            state.accepted += 1
            state.channels[id] = channel
            return state.conditions
        }
        channel.closeFuture.whenComplete { _ in self.state.withLock { $0.channels[id] = nil } }
        if conditions.isRefusing { return FaultPump.reset(channel) }
        if conditions.isBlackHole {
            let pump = FaultPump(link: self, partner: nil)
            try? channel.pipeline.syncOperations.addHandler(pump)
            return channel.setOption(.autoRead, value: true).whenComplete { _ in }
        }
        ClientBootstrap(group: channel.eventLoop)
            .channelOption(.autoRead, value: false)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .connect(host: "127.0.0.1", port: target)
            .assumeIsolated().whenComplete { result in
                guard case .success(let onward) = result else { return FaultPump.reset(channel) }
                let here = FaultPump(link: self, partner: onward)
                let there = FaultPump(link: self, partner: channel)
                here.opposite = there
                there.opposite = here
                do {
                    try channel.pipeline.syncOperations.addHandler(here)
                    try onward.pipeline.syncOperations.addHandler(there)
                } catch {
                    // One end is gone already.
                    FaultPump.reset(channel)
                    FaultPump.reset(onward)
                }
                for end in [channel, onward] { end.setOption(.autoRead, value: true).whenComplete { _ in } }
            }
    }
}
