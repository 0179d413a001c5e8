import FoundationEssentials
import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import Synchronization

/// The live table: readings as the cloud stores them, across its absence.
final class DemoReadings: Sendable {
    private struct State {
        var shown = 0
        var late: (count: Int, oldest: Double) = (0, 0)
        var isHeaderDue = true
    }

    private let home: HomeOptions
    private let screen: DemoScreen
    private let state = Mutex(State())

    init(home: HomeOptions, screen: DemoScreen) {
        self.home = home
        self.screen = screen
    }

    /// Readings that were shown or counted so far.
    var count: Int { state.withLock { $0.shown } }

    /// Shows the column heads again before the next reading.
    func repeatHeader() { state.withLock { $0.isHeaderDue = true } }

    /// Follows until the task is cancelled.
    func follow() async throws {
        while !Task.isCancelled {
            do {
                try await home.withCloud { try await self.follow($0) }
            } catch {
                if Task.isCancelled { return }
            }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private func follow(_ cloud: CloudSession) async throws {
        let (grants, grant) = AsyncStream.makeStream(of: UInt32.self, bufferingPolicy: .bufferingOldest(64))
        defer { grant.finish() }
        try await cloud.telemetry.subscribe { writer in
            try await writer.write(
                .with {
                    $0.start.topicFilters = ["+/readings"]
                    $0.addCredit = 1_000
                })
            for await credit in grants { try await writer.write(.with { $0.addCredit = credit }) }
        } onResponse: { response in
            defer { grant.finish() }
            for try await message in response.messages {
                self.show(message.deliveries.map(\.record))
                grant.yield(UInt32(message.deliveries.count))
            }
        }
    }

    private func show(_ records: [MessageRecord]) {
        for record in records {
            let sampled = Microseconds.of(record.message.time) ?? 0
            let stored = Microseconds.of(record.storeTime) ?? 0
            let delay = Double(stored - sampled) / 1_000_000
            let (waited, isHeaderDue) = state.withLock { state in
                state.shown += 1
                if delay > 1 {
                    state.late = (state.late.count + 1, max(state.late.oldest, delay))
                    return ((count: 0, oldest: 0.0), false)
                }
                defer {
                    state.late = (0, 0)
                    state.isHeaderDue = false
                }
                return (state.late, state.isHeaderDue)
            }
            if delay > 1 { continue }
            if waited.count > 0 {
                screen.good(
                    "+ \(waited.count) readings that waited at the core, the oldest for "
                        + "\(Self.fixed(waited.oldest, 1)) s")
            }
            if isHeaderDue {
                screen.dim("SAMPLED       THING      TEMPERATURE  PRESSURE     HUMIDITY  STORED AFTER")
            }
            screen.note(Self.row(record, delay: delay))
        }
    }

    private static func row(_ record: MessageRecord, delay: Double) -> String {
        let values = record.message.reading.values
        func value(_ name: String, _ digits: Int, _ unit: String, _ width: Int) -> String {
            pad("\(fixed(values[name]?.doubleValue ?? .nan, digits)) \(unit)", width)
        }
        let time = TimeText.milliseconds(record.message.time) ?? ""
        let clock = time.drop { $0 != "T" }.dropFirst().prefix(12)
        return pad(String(clock), 14) + pad(record.origin.thing, 11) + value("temperature", 2, "°C", 13)
            + value("pressure", 2, "hPa", 13) + value("humidity", 1, "%RH", 10)
            + "\(fixed(delay * 1_000, 1)) ms"
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }

    static func fixed(_ number: Double, _ digits: Int) -> String {
        guard number.isFinite else { return "-" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (abs(number) * scale).rounded()
        let whole = Int64(scaled / scale)
        let rest = Int64(scaled) - whole * Int64(scale)
        let fraction = String(rest)
        let sign = number < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(whole)" }
        return "\(sign)\(whole)." + String(repeating: "0", count: digits - fraction.count) + fraction
    }
}
