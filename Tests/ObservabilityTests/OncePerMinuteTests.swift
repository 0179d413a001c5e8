import Synchronization
import Testing

@testable import Observability

@Suite struct OncePerMinuteTests {
    @Test func aLogLineComesOnceAMinuteAndCountsTheOthers() {
        let now = Mutex(ContinuousClock.now)
        let limiter = OncePerMinute(now: { now.withLock { $0 } })
        #expect(limiter.admit("a") == 0)
        #expect(limiter.admit("a") == nil)
        #expect(limiter.admit("a") == nil)
        #expect(limiter.admit("b") == 0)
        now.withLock { $0 += .seconds(61) }
        #expect(limiter.admit("a") == 2)
        #expect(limiter.admit("c", burst: 2) == 0)
        #expect(limiter.admit("c", burst: 2) == 0)
        #expect(limiter.admit("c", burst: 2) == nil)
    }

    @Test func theLimiterForgetsNoLimitUnderAFloodOfKeys() {
        let limiter = OncePerMinute()
        let admitted = (0..<5_000).count { limiter.admit("key \($0)") != nil }
        #expect(admitted <= 1_025)
    }
}
