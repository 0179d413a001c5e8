import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import RPCSupport
import Synchronization
import TestSupport

/// A connection in the hands of a test, below gRPC: TCP, or TLS with an identity, and then any bytes.
final class RawConnection: Sendable {
    /// What came from the server.
    struct Received: Sendable {
        var bytes = 0
        /// The error code of its GOAWAY.
        var goAway: UInt32?
        /// Streams that it reset or ended.
        var ended: Set<UInt32> = []
        var settings = 0
        /// What may be sent on the connection and on each stream.
        var connectionWindow = 65_535
        var streamWindow = 65_535
    }

    private let channel: any Channel
    private let inbox = Inbox()

    private init(channel: any Channel) { self.channel = channel }

    /// Connects; with TLS where there is an identity.
    static func open(port: Int, as identity: ClientIdentity? = nil, serverName: String = "core") async throws
        -> RawConnection
    {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port).get()
        let connection = RawConnection(channel: channel)
        let tls = try identity.map { identity in
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.certificateVerification = .none
            configuration.applicationProtocols = ["h2"]
            configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(identity.chainPEM.utf8))
                .map {
                    .certificate($0)
                }
            configuration.privateKey = .privateKey(
                try NIOSSLPrivateKey(bytes: Array(identity.keyPEM.utf8), format: .pem))
            return try NIOSSLContext(configuration: configuration)
        }
        let inbox = connection.inbox
        try await channel.eventLoop.submit {
            if let tls {
                try channel.pipeline.syncOperations.addHandler(
                    try NIOSSLClientHandler(context: tls, serverHostname: serverName))
            }
            try channel.pipeline.syncOperations.addHandler(inbox)
        }.get()
        return connection
    }

    var received: Received { inbox.received }
    var isOpen: Bool { channel.isActive }

    func send(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
    }

    /// The same, where the server may have hung up.
    func sendIfOpen(_ bytes: [UInt8]) async { try? await send(bytes) }

    func close() async { try? await channel.close() }

    /// Waits until the server has closed it.
    func closed(within deadline: Duration = .seconds(60)) async throws {
        try await eventually("the server closes the connection", within: deadline, holds: { !self.isOpen })
    }

    // MARK: HTTP/2

    /// The preface and settings.
    func begin(settings: [(UInt16, UInt32)] = []) async throws {
        let payload = settings.flatMap { Self.big($0.0) + Self.big($0.1) }
        try await send(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + Self.frame(4, payload: payload))
        try await eventually("the server's settings", holds: { self.received.settings > 0 || !self.isOpen })
        await sendIfOpen(Self.frame(4, flags: 1))
    }

    static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, payload: [UInt8] = []) -> [UInt8] {
        Array(big(UInt32(payload.count)).dropFirst()) + [type, flags] + big(stream) + payload
    }

    /// The header block of a gRPC call: literals, nothing indexed.
    static func headers(_ method: String, more: [(String, String)] = []) -> [UInt8] {
        let fields =
            [
                (":method", "POST"), (":scheme", "https"),
                (":path", "/hedgerow.telemetry.v1.TelemetryService/\(method)"),
                (":authority", "core"), ("content-type", "application/grpc"), ("te", "trailers"),
            ] + more
        return fields.flatMap { [0x00] + text($0.0) + text($0.1) }
    }

    /// A gRPC message in DATA frames that fit the default size.
    static func message(_ bytes: [UInt8], stream: UInt32) -> [UInt8] {
        let framed = [0] + big(UInt32(bytes.count)) + bytes
        return stride(from: 0, to: framed.count, by: 16_384).flatMap { start in
            frame(0, stream: stream, payload: Array(framed[start..<min(start + 16_384, framed.count)]))
        }
    }

    static func big<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }

    private static func text(_ text: String) -> [UInt8] {
        var rest = text.utf8.count
        guard rest >= 127 else { return [UInt8(rest)] + Array(text.utf8) }
        var length: [UInt8] = [127]
        rest -= 127
        while rest >= 128 {
            length.append(UInt8(rest % 128) | 128)
            rest /= 128
        }
        return length + [UInt8(rest)] + Array(text.utf8)
    }

    /// Takes a message from the windows; false where there is no room for it.
    func takesFromWindows(_ count: Int) -> Bool { inbox.take(count) }

    /// Reads frames, as far as they are ones.
    private final class Inbox: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        private let state = Mutex((received: Received(), buffer: ByteBuffer()))

        var received: Received { state.withLock { $0.received } }

        func take(_ count: Int) -> Bool {
            state.withLock { state in
                guard state.received.connectionWindow >= count, state.received.streamWindow >= count else {
                    return false
                }
                state.received.connectionWindow -= count
                state.received.streamWindow -= count
                return true
            }
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var incoming = unwrapInboundIn(data)
            state.withLock { state in
                state.received.bytes += incoming.readableBytes
                state.buffer.writeBuffer(&incoming)
                while let head = state.buffer.getBytes(at: state.buffer.readerIndex, length: 9) {
                    let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
                    guard state.buffer.readableBytes >= 9 + length else { return }
                    state.buffer.moveReaderIndex(forwardBy: 9)
                    let payload = state.buffer.readBytes(length: length) ?? []
                    Self.note(head, payload, &state.received)
                }
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }

        private static func note(_ head: [UInt8], _ payload: [UInt8], _ received: inout Received) {
            let stream = head[5..<9].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            func number(_ range: Range<Int>) -> UInt32 {
                payload.count < range.upperBound
                    ? 0 : payload[range].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            }
            switch head[3] {
            case 1 where head[4] & 1 != 0, 3: received.ended.insert(stream)
            case 4 where head[4] & 1 == 0:
                received.settings += 1
                for start in stride(from: 0, to: payload.count - 5, by: 6) where payload[start + 1] == 4 {
                    received.streamWindow += Int(number(start + 2..<start + 6)) - 65_535
                }
            case 7: received.goAway = number(4..<8)
            case 8 where stream == 0: received.connectionWindow += Int(number(0..<4))
            case 8: received.streamWindow += Int(number(0..<4))
            default: break
            }
        }
    }
}
