import Foundation
import GRPCCore
import HedgerowAPI
import Identity
import InMemoryLogging
import Logging
import Messaging
import PKI
import Synchronization
import TestSupport
import Testing

@testable import RPCSupport

/// Numbers that are always the same for a seed (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

@Suite struct SmallPartsTests {
    @Test func reasonsOnTheWireAreTheNamesInTheProto() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Protos/hedgerow/type/v1/error.proto")
        var names: [Int: String] = [:]
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
            let words = line.split { " =;".contains($0) }
            guard words.count == 2, words[0].hasPrefix("ERROR_REASON_"), let number = Int(words[1]) else {
                continue
            }
            names[number] = String(words[0].dropFirst("ERROR_REASON_".count))
        }
        #expect(names.count == ErrorReason.allCases.count)
        #expect(names.count >= 28)
        for reason in ErrorReason.allCases {
            #expect(names[reason.rawValue] == reason.wireName)
            #expect(ErrorReason(wireName: reason.wireName) == reason)
        }
        #expect(ErrorReason(wireName: "FROM_THE_FUTURE") == .unspecified)
        for denial in AuthorizationDenial.allCases {
            #expect(ErrorReason(wireName: denial.rawValue) != .unspecified)
        }
    }

    @Test func waitsGrowToTheirLimitAndAreSpread() {
        var random = SeededNumbers(state: 7)
        var backoff = Backoff()
        var center = 1.0
        for _ in 0..<40 {
            let wait = backoff.next(using: &random) / .seconds(1)
            #expect(wait >= center * 0.799 && wait <= center * 1.201)
            center = min(center * 1.6, 120)
        }
        #expect(center == 120)
        backoff.reset()
        #expect(backoff.next(using: &random) <= .seconds(1.2))
        // The same seed waits the same.
        var first = SeededNumbers(state: 1)
        var second = SeededNumbers(state: 1)
        var one = Backoff()
        var two = Backoff()
        #expect(
            (0..<10).map { _ in one.next(using: &first) } == (0..<10).map { _ in two.next(using: &second) })
        // Without jitter it is exact, and for very many attempts it stays at the limit.
        var exact = Backoff(initial: .seconds(2), factor: 2, maximum: .seconds(9), jitter: 0)
        #expect((0..<4).map { _ in exact.next() } == [.seconds(2), .seconds(4), .seconds(8), .seconds(9)])
        for _ in 0..<5_000 { #expect(exact.next() == .seconds(9)) }
    }

    @Test func refusalsAreLoggedOncePerCause() {
        let log = InMemoryLogHandler()
        let refusals = PeerRefusals(side: "listener", logger: Logger(label: "t", factory: { _ in log }))
        for _ in 0..<10 { refusals.note(.wrongUsage) }
        refusals.note(.noCertificate)
        #expect(log.entries.count == 2)
        #expect(refusals.count == 11)
        #expect(refusals.last == .noCertificate)
        refusals.reset()
        #expect(refusals.last == nil)
    }

    @Test func aCallWhoseResponseNeverBeganLeavesTheRegister() throws {
        let calls = ActiveCalls(maximumPerPrincipal: 1)
        let principal = try Principal(role: .thing, name: "bme680-1")
        for _ in 0..<3 {
            let call = try calls.enter(principal, ServerContext.RPCCancellationHandle())
            #expect(calls.count == 1)
            #expect(throws: HedgerowError.self) {
                try calls.enter(principal, ServerContext.RPCCancellationHandle())
            }
            _ = consume call
            #expect(calls.count == 0)
        }
    }

    @Test func listenersNeedAnAddress() throws {
        let pki = try TestPKI()
        let certificate = try ReloadableCertificate(pki.cloudServer())
        for (host, port) in [("localhost", 1), ("", 1), ("127.0.0.1", 70_000)] {
            let error = #expect(throws: InvalidListenAddress.self) {
                _ = try ServerTransports.serverTLS(host: host, port: port, identity: certificate)
            }
            #expect(error?.description.contains("0.0.0.0") == true)
        }
    }

    @Test func anErrorFromSomewhereElseIsExplained() {
        struct Odd: Error {}
        #expect(CallerError(Odd()).kind == .other)
        #expect(CallerError(CancellationError()).kind == .cancelled)
        #expect(CallerError(RPCError(code: .deadlineExceeded, message: "")).kind == .timedOut)
        #expect(CallerError(HedgerowError.noIdentity).kind == .answered(.noIdentity))
        #expect(CallerError(RPCError(code: .unavailable, message: "x")).kind == .unreachable)
    }
}
