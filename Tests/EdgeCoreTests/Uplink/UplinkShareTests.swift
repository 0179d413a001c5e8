import Synchronization
import TestSupport
import Testing

@testable import EdgeCore

/// A clock that is moved by hand.
private final class HandClock: Sendable {
    private let time = Mutex(ContinuousClock.now)
    var now: ContinuousClock.Instant { time.withLock { $0 } }
    func advance(by duration: Duration) { time.withLock { $0 += duration } }
}

@Suite("The line to the cloud", .timeLimit(.minutes(1))) struct UplinkShareTests {
    /// Sends requests of 64 KiB as fast as it gets turns, and keeps them under way.
    private func sender(
        _ member: UplinkShare.Member, priority: Int, weight: Double = 1, bytes: Int = 64 << 10,
        _ sent: @escaping @Sendable () -> Void
    ) -> @Sendable () async throws -> Void {
        {
            while try await member.turn(priority: priority, weight: weight) != nil {
                sent()
                member.sent(bytes)
            }
        }
    }

    @Test("gives turns while there is room, and no more") func roomIsBounded() async throws {
        let share = UplinkShare(maximumBytes: 1 << 20)
        let member = share.join()
        for _ in 0..<2 {
            #expect(try await member.turn(priority: 5, weight: 1) == 64 << 10)
            member.sent(64 << 10)
        }
        #expect(share.bytesUnderWay == 128 << 10)
        async let third = member.turn(priority: 5, weight: 1)
        // The line is fast: what is acknowledged soon lets more be under way.
        member.acknowledged()
        #expect(try await third == 128 << 10)
        member.sent(0)
        member.leave()
        #expect(share.bytesUnderWay == 0)
        #expect(try await member.turn(priority: 5, weight: 1) == nil)
    }

    @Test("goes to the higher priority first, and to the lower where that has nothing")
    func priorityIsStrict() async throws {
        let share = UplinkShare(maximumBytes: 128 << 10)
        let (low, high) = (share.join(), share.join())
        let log = Mutex<[String]>([])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask(operation: sender(low, priority: 6) { log.withLock { $0.append("low") } })
            try await eventually("the low one fills the line") { log.withLock { $0.count == 2 } }
            group.addTask(operation: sender(high, priority: 2) { log.withLock { $0.append("high") } })
            try await eventually("the high one waits") { share.waiting == 2 }
            for count in 3...6 {
                // Of the two that are under way one is acknowledged, whosever it is.
                if count <= 4 { low.acknowledged() } else { high.acknowledged() }
                try await eventually("the next turn") { log.withLock { $0.count == count } }
            }
            #expect(log.withLock { $0.suffix(4) } == ["high", "high", "high", "high"])
            high.leave()
            try await eventually("the low one goes on") { log.withLock { $0.count >= 7 } }
            #expect(log.withLock { $0[6] } == "low")
            group.cancelAll()
        }
    }

    @Test("is shared by weight among equals") func equalsShareByWeight() async throws {
        let share = UplinkShare(maximumBytes: 64 << 10)
        let (live, backlog) = (share.join(), share.join())
        let log = Mutex<[String]>([])
        try await withThrowingTaskGroup(of: Void.self) { group in
            let blocker = share.join()
            _ = try await blocker.turn(priority: 1, weight: 1)
            blocker.sent(64 << 10)
            group.addTask(
                operation: sender(live, priority: 5, weight: 0.75) { log.withLock { $0.append("live") } })
            group.addTask(
                operation: sender(backlog, priority: 5, weight: 0.25) {
                    log.withLock { $0.append("backlog") }
                })
            try await eventually("both wait") { share.waiting == 2 }
            blocker.acknowledged()
            for count in 1...80 {
                try await eventually("turn \(count)") {
                    log.withLock { $0.count == count } && share.waiting == 2
                }
                if log.withLock({ $0.last }) == "live" { live.acknowledged() } else { backlog.acknowledged() }
            }
            let turns = log.withLock { $0.prefix(80).filter { $0 == "live" }.count }
            #expect((58...62).contains(turns))
            group.cancelAll()
        }
    }

    @Test("is not held up by a session whose requests are never acknowledged") func stuckSessionsDoNotCount()
        async throws
    {
        let clock = HandClock()
        let share = UplinkShare(maximumBytes: 64 << 10, now: { clock.now })
        let (stuck, other) = (share.join(), share.join())
        _ = try await stuck.turn(priority: 1, weight: 1)
        stuck.sent(64 << 10)
        async let turn = other.turn(priority: 5, weight: 1)
        try await eventually("the other one waits") { share.waiting == 1 }
        clock.advance(by: UplinkShare.stuckAfter - .seconds(1))
        share.refresh()
        #expect(share.waiting == 1)
        clock.advance(by: .seconds(2))
        share.refresh()
        #expect(try await turn == 64 << 10)
    }

    @Test("lets go of who is cancelled while it waits") func cancelledWaitersLeave() async throws {
        let share = UplinkShare(maximumBytes: 1)
        let (first, second, third) = (share.join(), share.join(), share.join())
        _ = try await first.turn(priority: 5, weight: 1)
        first.sent(1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await second.turn(priority: 5, weight: 1) }
            try await eventually("it waits") { share.waiting == 1 }
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.waitForAll() }
        }
        first.acknowledged()
        #expect(try await third.turn(priority: 5, weight: 1) != nil)
    }

    @Test("holds a stream to its rate, a batch larger than that included") func ratesHold() {
        let clock = HandClock()
        let rate = UplinkRate(now: { clock.now })
        var sent = 0
        // 100 seconds in steps of 50 ms, at 10,000 bytes a second, in batches of 30,000 bytes.
        for _ in 0..<2_000 {
            if rate.wait(of: "s", bytesPerSecond: 10_000) == nil {
                rate.sent(30_000, of: "s", bytesPerSecond: 10_000)
                sent += 30_000
            }
            clock.advance(by: .milliseconds(50))
        }
        #expect((970_000...1_040_000).contains(sent))
        #expect(rate.wait(of: "another", bytesPerSecond: 10_000) == nil)
    }
}
