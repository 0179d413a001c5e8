import EdgeCore
import Foundation
import HedgerowAPI
import Identity
import Messaging
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

/// What is below gRPC: bytes, TLS and HTTP/2 frames that no honest program sends.
@Suite("A thing that sends what it should not harms nobody else", .timeLimit(.minutes(5)))
struct HostileBytesTests {
    /// A flood of frames for which no honest client has a reason.
    enum Flood: String, CaseIterable, Sendable {
        case pings, settings, resets, emptyData, hugeHeaders

        /// What is sent, in pieces.
        var pieces: [[UInt8]] {
            switch self {
            case .pings:
                Array(repeating: RawConnection.frame(6, payload: Array(repeating: 1, count: 8)), count: 2_000)
            case .settings: Array(repeating: RawConnection.frame(4), count: 2_000)
            case .resets:
                (0..<2_000).map { number in
                    let stream = UInt32(1 + 2 * number)
                    return RawConnection.frame(
                        1, flags: 4, stream: stream, payload: RawConnection.headers("Publish"))
                        + RawConnection.frame(3, stream: stream, payload: [0, 0, 0, 8])
                }
            case .emptyData:
                [RawConnection.frame(1, flags: 4, stream: 1, payload: RawConnection.headers("Publish"))]
                    + Array(repeating: RawConnection.frame(0, stream: 1), count: 2_000)
            case .hugeHeaders:
                [RawConnection.frame(1, stream: 1, payload: RawConnection.headers("Publish"))]
                    + (0..<100).map { number in
                        let field: [UInt8] =
                            [0, 1, 120, 127, 0x81, 0x7E] + Array(repeating: 97, count: 16_256)
                        return RawConnection.frame(9, flags: number == 99 ? 4 : 0, stream: 1, payload: field)
                    }
            }
        }
    }

    @Test("floods of frames end the connection that they come from", arguments: Flood.allCases)
    func floods(_ flood: Flood) async throws {
        try await HealthyThing.with { fleet, healthy in
            let identity = try await fleet.identity(.thing, "bad-1")
            let bad = try await RawConnection.open(port: fleet.port(ofCore: "core-1"), as: identity)
            try await bad.begin()
            for piece in flood.pieces where bad.isOpen { await bad.sendIfOpen(piece) }
            try await bad.closed()
            try await healthy.goesOn()
            // It may come back and behave.
            try await fleet.letsIn(identity)
        }
    }

    /// Bytes that are no TLS, or no HTTP/2 within it.
    static func garbage(_ seed: UInt64) -> [UInt8] {
        var random = SeededGenerator(seed: seed)
        return (0..<65_536).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    }

    @Test("garbage in the place of TLS ends the connection", arguments: 1...5)
    func garbageForTLS(_ seed: UInt64) async throws {
        try await HealthyThing.with { fleet, healthy in
            let port = try fleet.port(ofCore: "core-1")
            for attempt in 0..<20 {
                let bad = try await RawConnection.open(port: port)
                await bad.sendIfOpen(Self.garbage(seed * 100 + UInt64(attempt)))
                try await bad.closed()
                try await healthy.goesOn(1)
            }
        }
    }

    @Test("garbage in the place of HTTP/2 frames ends the connection", arguments: [false, true])
    func garbageForFrames(afterPreface: Bool) async throws {
        try await HealthyThing.with { fleet, healthy in
            let port = try fleet.port(ofCore: "core-1")
            let identity = try await fleet.identity(.thing, "bad-1")
            for attempt in 0..<20 {
                let bad = try await RawConnection.open(port: port, as: identity)
                if afterPreface { try await bad.begin() }
                // Types of frames that nobody knows are to be ignored, so it may take some of it.
                for piece in 0..<50 where bad.isOpen {
                    await bad.sendIfOpen(Self.garbage(UInt64(attempt * 100 + piece)))
                }
                await bad.close()
                try await healthy.goesOn(1)
            }
            try await fleet.letsIn(identity)
        }
    }

    @Test("connections that never finish their handshake leave room for others")
    func halfOpenHandshakes() async throws {
        // As many as the listener takes, and some.
        var limits = CoreConfiguration.Limits()
        limits.connectedThings = 8
        try await HealthyThing.with(limits: limits) { fleet, healthy in
            let port = try fleet.port(ofCore: "core-1")
            // The beginning of a ClientHello that announces more.
            let hello: [UInt8] = [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]
            var silent: [RawConnection] = []
            for number in 0..<120 {
                // Those that are too many may be closed before they are anything.
                guard let connection = try? await RawConnection.open(port: port) else { continue }
                if number.isMultiple(of: 2) { await connection.sendIfOpen(hello) }
                silent.append(connection)
            }
            try await healthy.goesOn()
            let identity = try await fleet.identity(.thing, "bad-1")
            try await eventually(
                "another thing gets in", holds: { (try? await fleet.letsIn(identity)) != nil })
            for connection in silent { await connection.close() }
        }
    }

    @Test("certificates of another cloud, again and again, cost one line of the log")
    func foreignCertificates() async throws {
        try await HealthyThing.with { fleet, healthy in
            let stranger = try TestPKI(trustDomain: fleet.trustDomain).client(.thing, "bad-1")
            let port = try fleet.port(ofCore: "core-1")
            for _ in 0..<50 {
                let bad = try await RawConnection.open(port: port, as: stranger)
                await bad.sendIfOpen(RawConnection.frame(4))
                try await bad.closed()
                try await healthy.goesOn(1)
            }
            let lines = fleet.coreLog.text.filter { $0.contains("refused a peer's certificate") }
            #expect(lines.count == 1, "\(lines)")
        }
    }

    @Test("a thing that never reads its acknowledgements is not read from any more")
    func neverReads() async throws {
        try await HealthyThing.with { fleet, healthy in
            let identity = try await fleet.identity(.thing, "bad-1")
            let bad = try await RawConnection.open(port: fleet.port(ofCore: "core-1"), as: identity)
            // No window for what the server sends on streams.
            try await bad.begin(settings: [(4, 0)])
            try await bad.send(
                RawConnection.frame(1, flags: 4, stream: 1, payload: RawConnection.headers("Publish")))
            let opening: [UInt8] = try PublishRequest.opening(epoch: .random()).serializedBytes()
            try await bad.send(RawConnection.message(opening, stream: 1))
            var sent = 0
            var sequence: UInt64 = 0
            var refusals = 0
            // It stops taking when the acknowledgements that wait for this thing have filled their buffer, and then
            // the queue of what waits for being stored, and then the window.
            while refusals < 100 {
                let request = PublishRequest.with { request in
                    sequence += 1
                    request.publications = [.payload(sequence, "hall/b", bytes: 15_000)]
                }
                let message = RawConnection.message(try request.serializedBytes(), stream: 1)
                refusals = 0
                while refusals < 100, !bad.takesFromWindows(message.count) {
                    refusals += 1
                    try await healthy.goesOn(1)
                }
                if refusals == 100 { break }
                try await bad.send(message)
                sent += message.count
                try #require(sent < 256 << 20, "the core takes whatever comes")
                if sequence.isMultiple(of: 2) { try await healthy.goesOn(1) }
            }
            #expect(bad.isOpen)
            await bad.close()
        }
    }
}
