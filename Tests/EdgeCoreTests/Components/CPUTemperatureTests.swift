import Foundation
import Logging
import Supervision
import Synchronization
import TestSupport
import Testing
import Transforms

@testable import EdgeCore

/// A clock that stands still until a test moves it; whoever sleeps wakes when it has gone far enough.
private final class ManualClock: Sendable {
    private let time = Mutex(Duration.zero)
    private let sleepers = Mutex(0)
    let wakes = Mutex(0)

    var clock: MonotonicClock {
        MonotonicClock(
            now: { self.time.withLock { $0 } },
            sleep: { duration in
                let end = self.time.withLock { $0 } + duration
                self.sleepers.withLock { $0 += 1 }
                defer { self.sleepers.withLock { $0 -= 1 } }
                while self.time.withLock({ $0 }) < end { try await Task.sleep(for: .milliseconds(1)) }
                self.wakes.withLock { $0 += 1 }
            })
    }

    var isSlept: Bool { sleepers.withLock { $0 > 0 } }

    func advance(_ duration: Duration) { time.withLock { $0 += duration } }
}

@Suite("The CPU's temperature", .timeLimit(.minutes(5))) struct CPUTemperatureTests {
    private func with(
        wanted: @escaping @Sendable () -> Bool = { true },
        _ body: (CPUTemperature, ManualClock, String) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/temp"
            let clock = ManualClock()
            let sampler = CPUTemperature(
                path: path, clock: clock.clock, isWanted: wanted,
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
            try await body(sampler, clock, path)
        }
    }

    private func write(_ text: String, _ path: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    private func failure(_ sampler: CPUTemperature, over span: Duration? = nil) -> String {
        do {
            return "\(try sampler.cpuTemperature(over: span)) °C"
        } catch {
            return error.description
        }
    }

    @Test func theMeanIsThatOfTheSamplesWithinTheSpan() async throws {
        try await with { sampler, clock, path in
            for celsius in 40...60 {
                try write("\(celsius * 1_000)\n", path)
                clock.advance(.seconds(10))
                await sampler.prepare()
            }
            #expect(try sampler.cpuTemperature(over: nil) == 60)
            #expect(try sampler.cpuTemperature(over: .seconds(8)) == 60)
            #expect(try sampler.cpuTemperature(over: .seconds(10)) == 59.5)
            #expect(try sampler.cpuTemperature(over: .seconds(40)) == 58)
            #expect(try sampler.cpuTemperature(over: .seconds(600)) == 50)
            // A fresh one is not read again.
            try write("90000", path)
            await sampler.prepare()
            #expect(try sampler.cpuTemperature(over: nil) == 60)
        }
    }

    @Test func onlyTheNewestSixHundredAreKept() async throws {
        try await with { sampler, clock, path in
            for number in 0..<CPUTemperature.maximumSamples + 100 {
                try write("\(number < 100 ? 0 : 50_000)", path)
                clock.advance(.seconds(6))
                await sampler.prepare()
            }
            #expect(try sampler.cpuTemperature(over: .seconds(1_000_000)) == 50)
        }
    }

    @Test(arguments: [
        "", "\n", "warm", "45.5", "45 000", "999999999", "-200000", String(repeating: "1", count: 100),
    ])
    func whatIsNoTemperatureSaysSo(text: String) async throws {
        try await with { sampler, _, path in
            try write(text, path)
            await sampler.prepare()
            let sentence = failure(sampler)
            #expect(
                sentence.contains("cannot be read from \(path): ") && sentence.contains("thousandths"),
                "\(sentence)")
        }
    }

    @Test func aMissingFileAndAnOldSampleSaySo() async throws {
        try await with { sampler, clock, path in
            #expect(failure(sampler).hasSuffix("\(path): no sample yet"))
            await sampler.prepare()
            #expect(failure(sampler).hasSuffix("\(path): No such file or directory"))
            try write("-5250", path)
            await sampler.prepare()
            #expect(try sampler.cpuTemperature(over: nil) == -5.25)
            clock.advance(.seconds(5))
            #expect(try sampler.cpuTemperature(over: .seconds(1)) == -5.25)
            clock.advance(.milliseconds(1))
            #expect(failure(sampler, over: .seconds(8)).hasSuffix("the last sample is too old"))
        }
    }

    @Test func itIsReadOnceASecondAndOnlyWhileSomebodyNeedsIt() async throws {
        let wanted = Mutex(false)
        let isWanted: @Sendable () -> Bool = { wanted.withLock { $0 } }
        try await with(wanted: isWanted) { sampler, clock, path in
            try write("40000", path)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await sampler.run() }
                @Sendable func second() async throws {
                    try await eventually("somebody sleeps") { clock.isSlept }
                    let before = clock.wakes.withLock { $0 }
                    clock.advance(.seconds(1))
                    try await eventually("a second") { clock.wakes.withLock { $0 } > before }
                }
                try await second()
                try await second()
                #expect(failure(sampler).hasSuffix("no sample yet"))
                wanted.withLock { $0 = true }
                try await second()
                try await eventually("a sample") { (try? sampler.cpuTemperature(over: nil)) == 40 }
                try write("50000", path)
                try await second()
                try await eventually("the next") { (try? sampler.cpuTemperature(over: .seconds(60))) == 45 }
                group.cancelAll()
            }
        }
    }
}
