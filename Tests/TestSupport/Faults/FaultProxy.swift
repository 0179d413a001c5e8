import NIOCore
import NIOPosix
import Synchronization

/// Lines between programs that a test makes bad: each ``FaultLink`` listens at a port and passes TCP connections on to
/// another one.
///
/// All of them live on one event loop. Programs are told the links' ports in place of each other's.
public final class FaultProxy: Sendable {
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let listeners = Mutex<[any Channel]>([])

    private init() {}

    /// Runs a test with a proxy that has no link yet.
    public static func with<Value: Sendable>(_ body: (FaultProxy) async throws -> Value) async throws -> Value
    {
        let proxy = FaultProxy()
        do {
            let value = try await body(proxy)
            try await proxy.group.shutdownGracefully()
            return value
        } catch {
            try await proxy.group.shutdownGracefully()
            throw error
        }
    }

    /// Opens a link.
    ///
    /// - Parameters:
    ///   - name: what it is called in messages.
    ///   - target: the port on loopback that connections are passed on to.
    ///   - port: where it listens on loopback; 0 for any that is free.
    public func link(_ name: String, to target: Int, at port: Int = 0) async throws -> FaultLink {
        let link = FaultLink(name: name)
        let listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                link.accept(channel, passingOnTo: target)
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: port).get()
        link.listens(at: listener.localAddress?.port ?? 0)
        listeners.withLock { $0.append(listener) }
        return link
    }
}
