import HedgerowAPI
import InMemoryLogging
import Logging
import SwiftProtobuf
import Testing
import Transforms

@testable import EdgeCore

@Suite struct ComponentActivityTests {
    private let silent = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private func tally(
        _ component: RunningComponent, generation: UInt64 = 1, _ failures: [String: UInt64] = [:]
    ) -> ComponentTally {
        var tally = ComponentTally(component, generation: generation)
        tally.input = 10
        tally.output = 7
        tally.filtered = 3
        tally.failures = failures
        return tally
    }

    @Test func whatWasTakenAddsUpUntilTheVersionChanges() throws {
        let activity = ComponentActivity(logger: silent)
        let first = try component("i", [.publish(.literal("o"))])
        let idle = try component("j", [.publish(.literal("o"))])
        let running = RunningRevision(.init(), components: [first, idle], number: 1)
        #expect(activity.changes == 0)
        activity.record([], now: 1)
        #expect(activity.changes == 0)
        activity.record([tally(first, ["b": 1, "a": 2]), tally(first, ["a": 2])], now: 5_000_000)
        #expect(activity.changes == 1)
        var statuses = activity.statuses(of: running)
        #expect(statuses.map(\.instance) == ["i", "j"])
        #expect(
            statuses[0].messagesIn == 20 && statuses[0].messagesOut == 14 && statuses[0].messagesFiltered == 6
        )
        #expect(statuses[0].messagesFailed == 5)
        #expect(statuses[0].failures.map(\.cause) == ["a", "b"])
        #expect(statuses[0].failures.map(\.count) == [4, 1])
        #expect(statuses[0].failures[0].lastTime.seconds == 5)
        #expect(statuses[1].messagesIn == 0 && statuses[1].version == "1.0.0")

        // The same version in a newer revision goes on; another one begins anew, and a late count is not mixed in.
        activity.record([tally(first, generation: 2)], now: 6)
        let next = try component("i", version: "2.0.0", [.publish(.literal("o"))])
        let redeployed = RunningRevision(.init(), components: [next], number: 3)
        #expect(activity.statuses(of: running)[0].messagesIn == 30)
        activity.record([tally(next, generation: 3)], now: 7)
        activity.record([tally(first, generation: 2, ["late": 1])], now: 8)
        statuses = activity.statuses(of: redeployed)
        #expect(statuses.count == 1)
        #expect(
            statuses[0].version == "2.0.0" && statuses[0].messagesIn == 10 && statuses[0].failures.isEmpty)
        #expect(activity.statuses(of: nil).isEmpty)
    }

    @Test func causesAreBounded() throws {
        let activity = ComponentActivity(logger: silent)
        let one = try component("i", [.publish(.literal("o"))])
        for number in 0..<100 { activity.record([tally(one, ["cause \(number)": 1])], now: 1) }
        activity.record([tally(one, [String(repeating: "é", count: 400): 1])], now: 1)
        let status = activity.statuses(of: RunningRevision(.init(), components: [one]))[0]
        #expect(status.messagesFailed == 101)
        #expect(status.failures.count == ComponentActivity.maximumCauses)
        #expect(status.failures[0].cause == ComponentActivity.otherCauses)
        #expect(status.failures[0].count == 86)
        #expect(status.failures.reduce(0) { $0 + $1.count } == 101)
        activity.record([tally(one, ["cause 3": 1])], now: 1)
        let again = activity.statuses(of: RunningRevision(.init(), components: [one]))[0]
        #expect(again.failures[1].cause == "cause 3" && again.failures[1].count == 2)
    }

    @Test func aCauseIsLoggedOnceAndThenOnceAMinuteWithItsCount() throws {
        let handler = InMemoryLogHandler()
        let activity = ComponentActivity(logger: Logger(label: "test", factory: { _ in handler }))
        let one = try component("i", [.publish(.literal("o"))])
        func counts() -> [String] {
            handler.entries.map {
                "\($0.metadata["error.message"] ?? "") \($0.metadata["messages.count"] ?? "")"
            }
        }
        activity.record([tally(one, ["a": 2])], now: 0)
        activity.record([tally(one, ["a": 3])], now: 59_999_999)
        activity.record([tally(one, ["b": 1])], now: 59_999_999)
        #expect(counts() == ["a 2", "b 1"])
        activity.record([tally(one, ["a": 4])], now: 60_000_000)
        #expect(counts() == ["a 2", "b 1", "a 7"])
    }
}
