import NIOCore
import NIOPosix
import TestSupport
import Testing

/// The lines of the soak do what their conditions say.
@Suite struct FaultProxyTests {
    /// A server that sends back what it gets, and a connection to it through a line.
    private struct Line {
        let link: FaultLink
        private let group: MultiThreadedEventLoopGroup

        init(link: FaultLink, group: MultiThreadedEventLoopGroup) {
            self.link = link
            self.group = group
        }

        func connect() async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
            try await ClientBootstrap(group: group).connect(host: "127.0.0.1", port: link.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(inboundType: ByteBuffer.self, outboundType: ByteBuffer.self))
                }
            }
        }
    }

    private final class Echo: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            context.writeAndFlush(NIOAny(unwrapInboundIn(data)), promise: nil)
        }
    }

    private func withLine<Value: Sendable>(_ body: (Line) async throws -> Value) async throws -> Value {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let server = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Echo())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let value = try await FaultProxy.with { proxy in
            let port = try #require(server.localAddress?.port)
            return try await body(Line(link: try await proxy.link("line", to: port), group: group))
        }
        try await group.shutdownGracefully()
        return value
    }

    /// Sends a text and returns when as much has come back; nil where the connection ended first.
    private func echo(
        _ text: String, _ inbound: inout NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator,
        _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) async throws -> String? {
        try await outbound.write(ByteBuffer(string: text))
        var received = ""
        while received.utf8.count < text.utf8.count {
            guard let buffer = try await inbound.next() else { return nil }
            received += String(buffer: buffer)
        }
        return received
    }

    private func expectEcho(
        _ text: String, _ inbound: inout NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator,
        _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) async throws {
        let reply = try await echo(text, &inbound, outbound)
        #expect(reply == text)
    }

    @Test("a good line passes everything on, both ways") func passes() async throws {
        try await withLine { line in
            try await line.connect().executeThenClose { inbound, outbound in
                var replies = inbound.makeAsyncIterator()
                let text = String(repeating: "0123456789", count: 100_000)
                try await expectEcho(text, &replies, outbound)
            }
            #expect(line.link.acceptedCount == 1)
        }
    }

    @Test("a delay is there both ways, and a throttle lets no more pass") func slows() async throws {
        try await withLine { line in
            try await line.connect().executeThenClose { inbound, outbound in
                var replies = inbound.makeAsyncIterator()
                line.link.update { $0.delay = .milliseconds(150) }
                var begin = ContinuousClock.now
                try await expectEcho("there and back", &replies, outbound)
                #expect(begin.duration(to: .now) >= .milliseconds(300))

                line.link.update {
                    $0.delay = .zero
                    $0.bytesPerSecond = 10_000
                }
                begin = .now
                let text = String(repeating: "x", count: 3_000)
                try await expectEcho(text, &replies, outbound)
                #expect(begin.duration(to: .now) >= .milliseconds(300))

                line.link.update { $0.bytesPerSecond = nil }
                try await expectEcho("fast", &replies, outbound)
            }
        }
    }

    @Test("a held line is slow from so many bytes on, and a released one lets new connections through")
    func holds() async throws {
        try await withLine { line in
            await #expect(throws: (any Error).self) {
                try await line.connect().executeThenClose { inbound, outbound in
                    var replies = inbound.makeAsyncIterator()
                    line.link.hold(after: 20_000)
                    let text = String(repeating: "x", count: 5_000)
                    try await expectEcho(text, &replies, outbound)
                    #expect(line.link.carriedBytes == 10_000)
                    let begin = ContinuousClock.now
                    // The first half of it is within the 20,000.
                    for _ in 1...2 { try await expectEcho(text, &replies, outbound) }
                    #expect(begin.duration(to: .now) >= .milliseconds(250))
                    line.link.release()
                    while try await replies.next() != nil {}
                }
            }
            try await line.connect().executeThenClose { inbound, outbound in
                var replies = inbound.makeAsyncIterator()
                try await expectEcho("two", &replies, outbound)
            }
        }
    }

    @Test("a cut ends every connection, and the next one passes") func cuts() async throws {
        try await withLine { line in
            await #expect(throws: (any Error).self) {
                try await line.connect().executeThenClose { inbound, outbound in
                    var replies = inbound.makeAsyncIterator()
                    try await expectEcho("one", &replies, outbound)
                    line.link.cut()
                    // Reset: reading fails; it does not end as if the other side had closed.
                    while try await replies.next() != nil {}
                }
            }
            try await eventually("the line is empty") { line.link.connectionCount == 0 }
            try await line.connect().executeThenClose { inbound, outbound in
                var replies = inbound.makeAsyncIterator()
                try await expectEcho("two", &replies, outbound)
            }
        }
    }

    @Test("a refusing line lets nobody in") func refuses() async throws {
        try await withLine { line in
            line.link.update { $0.isRefusing = true }
            await #expect(throws: (any Error).self) {
                try await line.connect().executeThenClose { inbound, outbound in
                    var replies = inbound.makeAsyncIterator()
                    guard try await echo("one", &replies, outbound) != nil else {
                        throw ChannelError.inputClosed
                    }
                }
            }
        }
    }

    @Test("a forgotten connection stays, and nothing arrives on it; a new one passes") func forgets()
        async throws
    {
        try await withLine { line in
            try await line.connect().executeThenClose { inbound, outbound in
                var replies = inbound.makeAsyncIterator()
                try await expectEcho("one", &replies, outbound)
                line.link.forget()
                try await outbound.write(ByteBuffer(string: "lost"))
                try await line.connect().executeThenClose { inbound, outbound in
                    var replies = inbound.makeAsyncIterator()
                    let text = String(repeating: "y", count: 100_000)
                    try await expectEcho(text, &replies, outbound)
                }
                // All of that went by while this one was silent, and it is still there.
                #expect(line.link.connectionCount >= 1)
                line.link.cut()
                await #expect(throws: (any Error).self) {
                    while let reply = try await replies.next() {
                        Issue.record("\(String(buffer: reply)) came")
                    }
                }
            }
        }
    }

    @Test("a black hole takes connections and answers nothing, also when it is none any more") func swallows()
        async throws
    {
        try await withLine { line in
            line.link.update { $0.isBlackHole = true }
            try await line.connect().executeThenClose { inbound, outbound in
                var replies = inbound.makeAsyncIterator()
                try await outbound.write(ByteBuffer(string: "lost"))
                try await eventually("the connection is there") { line.link.connectionCount == 1 }
                line.link.update { $0.isBlackHole = false }
                try await outbound.write(ByteBuffer(string: "lost too"))
                try await line.connect().executeThenClose { inbound, outbound in
                    var replies = inbound.makeAsyncIterator()
                    try await expectEcho("heard", &replies, outbound)
                }
                line.link.cut()
                await #expect(throws: (any Error).self) {
                    while let reply = try await replies.next() {
                        Issue.record("\(String(buffer: reply)) came")
                    }
                }
            }
        }
    }
}
