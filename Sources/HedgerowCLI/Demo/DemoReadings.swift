import FoundationEssentials
import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import Synchronization

/// The live table: each reading as the sensor gave it and as the transform corrected it, from what the cloud
/// stores, across the cloud's absence.
final class DemoReadings: Sendable {
    /// Readings whose other half has not come yet; at the bound they are forgotten, which only the table misses.
    private static let maximumPending = 4_096

    private struct Key: Hashable {
        let epoch: Data
        let sequence: UInt64
    }

    private struct State {
        var shown = 0
        var pending: [Key: MessageRecord] = [:]
        var late: (count: Int, oldest: Double) = (0, 0)
        var isHeaderDue = true
        var newestVersion = ""
    }

    private let home: HomeOptions
    private let screen: DemoScreen
    private let state = Mutex(State())

    init(home: HomeOptions, screen: DemoScreen) {
        self.home = home
        self.screen = screen
    }

    /// Readings of which both halves were shown or counted so far.
    var count: Int { state.withLock { $0.shown } }

    /// The version of the transform that made the newest reading; empty before the first.
    var newestVersion: String { state.withLock { $0.newestVersion } }

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
                    $0.start.topicFilters = [DemoGroup.rawTopic, DemoGroup.correctedTopic]
                    $0.addCredit = 1_000
                })
            for await credit in grants { try await writer.write(.with { $0.addCredit = credit }) }
        } onResponse: { response in
            defer { grant.finish() }
            for try await message in response.messages {
                for delivery in message.deliveries { self.take(delivery.record) }
                grant.yield(UInt32(message.deliveries.count))
            }
        }
    }

    /// Keeps the first half of a reading until the other one comes.
    private func take(_ record: MessageRecord) {
        let key = Key(epoch: record.origin.epoch, sequence: record.origin.lastSequence)
        let other = state.withLock { state -> MessageRecord? in
            if let other = state.pending.removeValue(forKey: key) { return other }
            if state.pending.count >= Self.maximumPending { state.pending.removeAll() }
            state.pending[key] = record
            return nil
        }
        guard let other else { return }
        let isCorrected = record.message.topic == DemoGroup.correctedTopic
        show(raw: isCorrected ? other : record, corrected: isCorrected ? record : other)
    }

    private func show(raw: MessageRecord, corrected: MessageRecord) {
        let sampled = Microseconds.of(corrected.message.time) ?? 0
        let stored = Microseconds.of(corrected.storeTime) ?? 0
        let delay = Double(stored - sampled) / 1_000_000
        let (waited, isHeaderDue) = state.withLock { state in
            state.shown += 1
            state.newestVersion = corrected.source.version
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
        if delay > 1 { return }
        if waited.count > 0 {
            screen.good(
                "+ \(waited.count) readings that waited at the core, the oldest for "
                    + "\(Self.fixed(waited.oldest, 1)) s")
        }
        if isHeaderDue {
            screen.dim(
                "SAMPLED       SENSOR    CPU       CORRECTED   HUMIDITY  MADE BY            STORED AFTER")
        }
        screen.note(Self.row(raw: raw, corrected: corrected, delay: delay))
    }

    private static func row(raw: MessageRecord, corrected: MessageRecord, delay: Double) -> String {
        func value(_ record: MessageRecord, _ name: String, _ digits: Int, _ width: Int) -> String {
            let reading = record.message.reading
            let number = reading.values[name]?.doubleValue ?? .nan
            return pad("\(fixed(number, digits)) \(reading.units[name] ?? "")", width)
        }
        let time = TimeText.milliseconds(raw.message.time) ?? ""
        let clock = time.drop { $0 != "T" }.dropFirst().prefix(12)
        let source = "\(corrected.source.version), revision \(corrected.source.revision)"
        return pad(String(clock), 14) + value(raw, "temperature", 2, 10)
            + value(corrected, "cpu_temperature", 2, 10) + value(corrected, "temperature", 2, 12)
            + value(raw, "humidity", 1, 10) + pad(source, 19) + "\(fixed(delay * 1_000, 1)) ms"
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
