import Components
import Testing

@Suite("When the cores of a rollout are begun, and when it stops")
struct RolloutPolicyTests {
    @Test("a rate grows by its factor after so many successes, and never beyond the limit")
    func growingRate() {
        let rate = RolloutPolicy.Rate(maxPerMinute: 5, factor: 2, successes: 10)
        let rates = [0, 9, 10, 19, 20, 30, 100_000].map(rate.perMinute)
        #expect(rates == [5, 5, 10, 10, 20, 40, 10_000])
        let slow = RolloutPolicy.Rate(maxPerMinute: 3, factor: 1.5, successes: 1)
        #expect((0...4).map(slow.perMinute) == [3, 4, 6, 10, 15])
    }

    @Test("a constant rate stays")
    func constantRate() {
        let rate = RolloutPolicy.Rate(maxPerMinute: 7)
        #expect([0, 1, 1_000_000].map(rate.perMinute) == [7, 7, 7])
    }

    @Test("as many are begun as every limit allows")
    func admission() {
        let tally = RolloutTally(pending: 50, inProgress: 3, succeeded: 10, startedInLastMinute: 4)
        #expect(tally.admitted(by: RolloutPolicy()) == 50)
        #expect(tally.admitted(by: RolloutPolicy(maxInFlight: 5)) == 2)
        #expect(tally.admitted(by: RolloutPolicy(maxInFlight: 3)) == 0)
        #expect(tally.admitted(by: RolloutPolicy(maxInFlight: 1)) == 0)
        #expect(tally.admitted(by: RolloutPolicy(rate: .init(maxPerMinute: 10))) == 6)
        #expect(tally.admitted(by: RolloutPolicy(rate: .init(maxPerMinute: 3))) == 0)
        #expect(tally.admitted(by: RolloutPolicy(rate: .init(maxPerMinute: 10), maxInFlight: 5)) == 2)
        let few = RolloutTally(pending: 1, inProgress: 0)
        #expect(few.admitted(by: RolloutPolicy(maxInFlight: 5)) == 1)
    }

    @Test("more than the threshold aborts, exactly the threshold does not, and nothing is judged too early")
    func abortion() {
        let policy = RolloutPolicy(abort: .init(failedPercent: 10, minimumFinished: 10))
        #expect(RolloutTally(pending: 5, succeeded: 0, failed: 9).abortion(by: policy) == nil)
        #expect(RolloutTally(pending: 5, succeeded: 9, failed: 1).abortion(by: policy) == nil)
        let reason = RolloutTally(pending: 5, succeeded: 8, failed: 2).abortion(by: policy)
        #expect(reason?.contains("2 of the 10 cores") == true)
        #expect(reason?.contains("10 %") == true)
        let never = RolloutPolicy(abort: .init(failedPercent: 0))
        #expect(RolloutTally(succeeded: 1_000).abortion(by: never) == nil)
        #expect(RolloutTally(succeeded: 1_000, failed: 1).abortion(by: never) != nil)
        // What was canceled is no judgement.
        #expect(RolloutTally(succeeded: 9, canceled: 500).abortion(by: policy) == nil)
        #expect(RolloutTally(failed: 1_000).abortion(by: RolloutPolicy()) == nil)
    }

    @Test("a policy says everything that is wrong with it")
    func problems() {
        let policy = RolloutPolicy(
            rate: .init(maxPerMinute: 0, factor: 0.5, successes: 0), maxInFlight: 10_001,
            abort: .init(failedPercent: 101, minimumFinished: 0), settlingTime: .hours(2))
        #expect(
            policy.problems.map(\.path) == [
                "rate.max_per_minute", "rate.factor", "rate.successes", "max_in_flight",
                "abort.failed_percent",
                "abort.minimum_finished", "settling_time",
            ])
        let good = RolloutPolicy(
            rate: .init(maxPerMinute: 1, factor: 100, successes: 10_000), maxInFlight: 1,
            abort: .init(failedPercent: 0), settlingTime: .hours(1))
        #expect(good.problems.isEmpty)
        #expect(RolloutPolicy().problems.isEmpty)
    }
}
