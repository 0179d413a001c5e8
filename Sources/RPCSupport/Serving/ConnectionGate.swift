import Logging
import NIOCore
import NIOSSL
import Observability
import Synchronization

/// Counts a listener's connections and ends those that are too many, never finish their handshake or have fallen
/// silent, so that nobody without an identity, and nobody who is gone, uses up the machine's descriptors. Gives each
/// connection the listener's own TLS.
final class ConnectionGate: Sendable {
    private struct Newcomer {
        let channel: any Channel
        let since: NIODeadline
    }

    private struct State {
        var count = 0
        var nextID: UInt64 = 0
        /// Connections in their handshake.
        var newcomers: [UInt64: Newcomer] = [:]
        /// Whose connection each one is, and those of each, the oldest first; only where their number is limited.
        var identities: [UInt64: String] = [:]
        var connections: [String: [(id: UInt64, channel: any Channel)]] = [:]
    }

    private enum Verdict {
        case admitted(UInt64, instead: (any Channel)?)
        case refused
    }

    private let limits: ConnectionLimits
    private let maximum: Int
    private let tls: ListenerTLS
    private let limiter = OncePerMinute()
    private let state = Mutex(State())

    init(_ limits: ConnectionLimits, tls: ListenerTLS) {
        self.limits = limits
        self.tls = tls
        maximum = FileDescriptors.connections(atMost: limits.maximum)
        if maximum < limits.maximum {
            limits.logger?.warning(
                "fewer connections than configured: the process may not open more files",
                metadata: ["maximum": "\(maximum)", "wanted": "\(limits.maximum)"])
        }
    }

    /// Called by the transport with the listener, before it is bound.
    @Sendable func listen(_ channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(
                ListenerGuard(logger: limits.logger), position: .first)
        }.flatMap { channel.setOption(.backlog, value: ConnectionLimits.backlog) }
    }

    /// Called by the transport on the event loop of each accepted connection.
    @Sendable func admit(_ channel: any Channel) -> EventLoopFuture<Void> {
        guard case .admitted(let id, let instead) = place(for: channel) else {
            if let facts = facts("connections", of: maximum) {
                limits.logger?.warning("closed a connection: there are too many", metadata: facts)
            }
            // Not by failing this future: an error here would reach the listener.
            channel.close(promise: nil)
            return channel.eventLoop.makeSucceededVoidFuture()
        }
        if let instead {
            if let facts = facts("handshakes", of: maximum) {
                limits.logger?.warning(
                    "closed a connection that does not finish its handshake: there are too many",
                    metadata: facts)
            }
            instead.close(promise: nil)
        }
        channel.closeFuture.whenComplete { _ in self.leave(id) }
        return channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            let transport = try pipeline.handler(type: NIOSSLServerHandler.self)
            let own = tls.handler()
            try pipeline.addHandler(SilenceDeadline(limits.silence), position: .first)
            try pipeline.addHandler(own, position: .before(transport))
            try pipeline.addHandler(OwnBuffers(), position: .after(transport))
            try pipeline.addHandler(
                HandshakeDeadline(
                    limits.handshake, mayGoOn: { self.isRush },
                    onCompleted: { self.established(id, channel, peer: own.peerCertificate) }),
                position: .after(transport))
            // It has seen nothing yet: the channel is not active before this is done.
            pipeline.removeHandler(transport, promise: nil)
        }
    }

    private func place(for channel: any Channel) -> Verdict {
        let now = NIODeadline.now()
        return state.withLock { state in
            var instead: Newcomer?
            if state.count >= maximum {
                guard let oldest = state.newcomers.min(by: { $0.key < $1.key }),
                    now - oldest.value.since >= TimeAmount(ConnectionLimits.patience)
                else { return .refused }
                instead = state.newcomers.removeValue(forKey: oldest.key)
            }
            state.count += 1
            state.nextID += 1
            state.newcomers[state.nextID] = Newcomer(channel: channel, since: now)
            return .admitted(state.nextID, instead: instead?.channel)
        }
    }

    private var isRush: Bool { state.withLock { $0.newcomers.count > ConnectionLimits.rush } }

    /// On the connection's event loop, when its handshake is done.
    private func established(_ id: UInt64, _ channel: any Channel, peer: NIOSSLCertificate?) {
        let identity = limits.perIdentity == nil ? nil : peer?.spiffeID
        let oldest = state.withLock { state -> (any Channel)? in
            state.newcomers[id] = nil
            guard let identity, let most = limits.perIdentity else { return nil }
            state.identities[id] = identity
            var own = state.connections[identity, default: []]
            own.append((id, channel))
            let oldest = own.count > most ? own.removeFirst() : nil
            state.connections[identity] = own
            return oldest?.channel
        }
        guard let oldest, let most = limits.perIdentity, let identity else { return }
        if let facts = facts("identity", of: most) {
            limits.logger?.warning(
                "closed the oldest connection of an identity that has too many",
                metadata: facts.merging(["peer": "\(identity)"]) { $1 })
        }
        oldest.close(promise: nil)
    }

    private func leave(_ id: UInt64) {
        state.withLock { state in
            state.count -= 1
            state.newcomers[id] = nil
            guard let identity = state.identities.removeValue(forKey: id) else { return }
            state.connections[identity]?.removeAll { $0.id == id }
            if state.connections[identity]?.isEmpty == true { state.connections[identity] = nil }
        }
    }

    /// What to say with a warning; nil where it is not to be said, for it was a moment ago.
    private func facts(_ cause: String, of maximum: Int) -> Logger.Metadata? {
        limiter.admit(cause).map { ["maximum": "\(maximum)", "left-out-before": "\($0)"] }
    }
}
