import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import SwiftProtobuf

/// Asks the cloud's ledger what it has committed.
struct CloudCounter: Sendable {
    let client: GRPCClient<HTTP2ClientTransport.Posix>
    let thing: String

    /// Readings of the thing that are committed, what components made of them included, and how many were lost.
    func count() async throws -> (received: UInt64, lost: UInt64) {
        let telemetry = Hedgerow_Telemetry_V1_TelemetryService.Client(wrapping: client)
        let ledger = try await telemetry.getLedger(.with { $0.thing = thing })
        let lost = ledger.days.flatMap(\.lost).filter {
            $0.reason != .notRoutedToCloud && $0.reason != .filtered
        }
        return (
            ledger.days.reduce(0) { $0 + $1.received }, lost.reduce(0) { $0 + $1.count }
        )
    }

    /// The count when it stands still: nothing is under way any more.
    func settled() async throws -> UInt64 {
        var last = try await count().received
        while true {
            try await Task.sleep(for: .milliseconds(100))
            let next = try await count().received
            if next == last { return next }
            last = next
        }
    }

    /// Waits until so many are committed.
    func wait(for readings: UInt64, within deadline: Duration) async throws {
        let end = ContinuousClock.now + deadline
        while true {
            let (received, lost) = try await count()
            if received >= readings { return }
            guard lost == 0, ContinuousClock.now < end else {
                throw RPCError(
                    code: .dataLoss,
                    message: "\(received) of \(readings) readings are committed, \(lost) are lost")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
