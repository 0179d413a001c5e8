import Foundation
import InMemoryLogging
import Logging
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import RPCSupport

@Suite(.timeLimit(.minutes(5))) struct ListenerGuardTests {
    /// Notes errors that reach it: where the transport takes them for the end of its listener.
    final class Last: ChannelInboundHandler, Sendable {
        typealias InboundIn = NIOAny
        let errors = Mutex<[String]>([])

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            errors.withLock { $0.append("\(error)") }
        }
    }

    /// Runs a listener with a guard while the body runs.
    func withListener(_ body: (any Channel, Last, InMemoryLogHandler) async throws -> Void) async throws {
        let log = InMemoryLogHandler()
        let last = Last()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        ListenerGuard(logger: Logger(label: "test", factory: { _ in log })))
                    try channel.pipeline.syncOperations.addHandler(last)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        try await body(listener, last, log)
        try await listener.close()
    }

    /// Connects, and waits until the listener has accepted: its side of the connection says something.
    func connects(to listener: any Channel) async throws {
        let port = try #require(listener.localAddress?.port)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(
            host: "127.0.0.1", port: port
        ).get()
        try await channel.close()
    }

    @Test(arguments: [EMFILE, ENFILE, ENOBUFS, ENOMEM])
    func aListenerThatCannotAcceptWaitsAndGoesOn(_ code: Int32) async throws {
        try await withListener { listener, last, log in
            for _ in 0..<3 {
                listener.pipeline.fireErrorCaught(IOError(errnoCode: code, reason: "accept"))
            }
            try await eventually("it pauses", holds: { try await !listener.getOption(.autoRead).get() })
            try await eventually("it goes on", holds: { try await listener.getOption(.autoRead).get() })
            try await connects(to: listener)
            #expect(last.errors.withLock { $0 }.isEmpty)
            #expect(log.entries.count == 1, "one line a minute")
        }
    }

    @Test func aPeerThatGoesBeforeItIsAcceptedIsNoError() async throws {
        try await withListener { listener, last, log in
            listener.pipeline.fireErrorCaught(IOError(errnoCode: ECONNABORTED, reason: "accept"))
            try await connects(to: listener)
            #expect(last.errors.withLock { $0 }.isEmpty && log.entries.isEmpty)
        }
    }

    @Test func anyOtherErrorIsTheListeners() async throws {
        try await withListener { listener, last, _ in
            listener.pipeline.fireErrorCaught(IOError(errnoCode: EBADF, reason: "accept"))
            let isPassedOn = try await eventually { last.errors.withLock { $0.count == 1 } }
            #expect(isPassedOn)
        }
    }
}
