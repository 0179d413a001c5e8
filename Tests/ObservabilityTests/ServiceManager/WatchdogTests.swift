import Testing

@testable import Observability

@Suite("Watchdog")
struct WatchdogTests {
    /// A watchdog of a minute: half a minute for each round.
    private var watchdog = Watchdog(timeout: .seconds(60))

    @Test("gives a sign of life for each round that ends in time, twice within the manager's patience")
    mutating func alive() {
        #expect(watchdog.period == .seconds(30))
        watchdog.beginRound(at: .seconds(0))
        #expect(watchdog.look(at: .seconds(22)) == nil)
        let first = watchdog.endRound(at: .seconds(30), answered: true)
        #expect(first.action == .beat(recovered: false))
        #expect(first.next == .seconds(30))
        watchdog.beginRound(at: .seconds(30))
        let second = watchdog.endRound(at: .seconds(31), answered: true)
        #expect(second.action == .beat(recovered: false))
        #expect(second.next == .seconds(60))
        #expect(watchdog.look(at: .seconds(59)) == nil, "no round is under way")
    }

    @Test("gives none for a round that comes late, and says once which part is silent")
    mutating func late() {
        watchdog.beginRound(at: .seconds(0))
        watchdog.come(to: "the database")
        #expect(watchdog.look(at: .seconds(22)) == nil)
        // The last sign of life was given at most 30 s before this round began, and the manager waits for 60.
        #expect(watchdog.look(at: .seconds(23)) == .reportHang(part: "the database"))
        #expect(watchdog.look(at: .seconds(40)) == nil)
        #expect(watchdog.hangs)
        let end = watchdog.endRound(at: .seconds(41), answered: true)
        #expect(end.action == nil, "an answer that comes late is none")
        #expect(end.next == .seconds(41))
        #expect(watchdog.hangs)
    }

    @Test("gives none where a part says that it got no answer, at once, and asks again soon")
    mutating func noAnswer() {
        watchdog.beginRound(at: .seconds(0))
        watchdog.come(to: "the listener")
        let end = watchdog.endRound(at: .seconds(10), answered: false)
        #expect(end.action == .reportHang(part: "the listener"))
        #expect(end.next == .seconds(15), "in time for a sign of life before the manager's minute is over")
        watchdog.beginRound(at: .seconds(15))
        #expect(watchdog.endRound(at: .seconds(16), answered: true).action == .beat(recovered: true))
    }

    @Test("gives signs of life again when the engine answers again")
    mutating func recovered() {
        watchdog.beginRound(at: .seconds(0))
        _ = watchdog.look(at: .seconds(31))
        _ = watchdog.endRound(at: .seconds(100), answered: true)
        watchdog.beginRound(at: .seconds(100))
        #expect(watchdog.endRound(at: .seconds(101), answered: true).action == .beat(recovered: true))
        #expect(!watchdog.hangs)
        watchdog.beginRound(at: .seconds(130))
        #expect(watchdog.endRound(at: .seconds(131), answered: true).action == .beat(recovered: false))
    }
}
