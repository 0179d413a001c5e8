import Testing

@testable import EdgeCore

@Suite("The progress of a deployment, as a value")
struct DeploymentProgressTests {
    typealias Progress = DeploymentProgress

    private static let events: [Progress.Event] = [
        .completed, .switched(isSettled: true), .switched(isSettled: false), .failed("broken"),
        .overdue("late"),
        .restarted, .cancelled("no"), .superseded("newer"),
    ]

    private static func at(
        _ stage: Progress.Stage, policy: Progress.Policy = .rollback, canGoBack: Bool = true,
        runsUnsettled: Bool = false, restarts: Int = 0, ending: Progress.Outcome? = nil
    ) -> Progress {
        var progress = Progress(
            policy: policy, stage: stage, outcome: nil, restarts: restarts,
            reason: stage == .back ? "why" : "",
            ending: stage == .back ? ending ?? .rolledBack : nil)
        progress.canGoBack = canGoBack
        progress.runsUnsettled = runsUnsettled || stage.isAfterSwitch
        return progress
    }

    private static func after(_ event: Progress.Event, _ progress: Progress) -> Progress {
        var progress = progress
        progress.handle(event)
        return progress
    }

    @Test("it goes through its stages in their order and succeeds")
    func success() {
        var progress = Progress()
        var stages: [Progress.Stage] = []
        while !progress.isOver, stages.count < 10 {
            stages.append(progress.stage)
            progress.handle(progress.stage == .switch ? .switched(isSettled: false) : .completed)
        }
        #expect(stages == [.fetch, .verify, .stage, .switch, .settle])
        #expect(progress.outcome == .succeeded && progress.reason.isEmpty)
        #expect(Self.after(.switched(isSettled: true), Self.at(.switch)).outcome == .succeeded)
        // Only whoever switched knows what is to be watched; and nobody switches out of turn.
        #expect(Self.after(.completed, Self.at(.switch)).stage == .switch)
        #expect(Self.after(.switched(isSettled: true), Self.at(.fetch)) == Self.at(.fetch))
    }

    @Test("a failure before the switch is FAILED with its reason", arguments: Progress.Stage.allCases)
    func failureBefore(_ stage: Progress.Stage) {
        guard !stage.isAfterSwitch else { return }
        for policy in Progress.Policy.allCases {
            for event in [Progress.Event.failed("broken"), .overdue("broken")] {
                let progress = Self.after(event, Self.at(stage, policy: policy))
                #expect(progress.outcome == .failed && progress.reason == "broken" && progress.stage == stage)
            }
            #expect(Self.after(.cancelled("no"), Self.at(stage, policy: policy)).outcome == .canceled)
        }
        // What runs was never watched to its end: then the core goes back further.
        var back = Self.after(.failed("broken"), Self.at(stage, runsUnsettled: true))
        #expect(back.stage == .back && !back.isOver)
        back.handle(.completed)
        #expect(back.outcome == .rolledBack && back.reason == "broken")
        var canceled = Self.after(.cancelled("no"), Self.at(stage, runsUnsettled: true))
        #expect(canceled.stage == .back)
        canceled.handle(.completed)
        #expect(canceled.outcome == .canceled)
        let stays = Self.after(.failed("broken"), Self.at(stage, policy: .stay, runsUnsettled: true))
        #expect(stays.outcome == .failed && stays.reason.contains("stays"))
    }

    @Test("a failure after the switch goes back, or stays where it is told to or has to")
    func failureAfter() {
        for event in [Progress.Event.failed("broken"), .overdue("broken")] {
            var progress = Self.after(event, Self.at(.settle))
            #expect(progress.stage == .back && progress.reason == "broken" && !progress.isOver)
            progress.handle(.completed)
            #expect(progress.outcome == .rolledBack && progress.reason == "broken")

            let stays = Self.after(event, Self.at(.settle, policy: .stay))
            #expect(
                stays.outcome == .failed && stays.reason.contains("broken") && stays.reason.contains("stays"))
            let first = Self.after(event, Self.at(.settle, canGoBack: false))
            #expect(first.outcome == .failed && first.reason.contains("no settled one to go back to"))
        }
        let stuck = Self.after(.failed("no disk"), Self.at(.back))
        #expect(stuck.outcome == .failed && stuck.reason.contains("why") && stuck.reason.contains("no disk"))
    }

    @Test("a cancellation while it settles goes back whatever the policy, and is CANCELED")
    func cancellation() {
        for policy in Progress.Policy.allCases {
            var progress = Self.after(.cancelled("no"), Self.at(.settle, policy: policy))
            #expect(progress.stage == .back)
            // A second one changes nothing.
            progress.handle(.cancelled("no"))
            progress.handle(.completed)
            #expect(progress.outcome == .canceled && progress.reason == "no")
        }
        let first = Self.after(.cancelled("no"), Self.at(.settle, canGoBack: false))
        #expect(first.outcome == .canceled && first.reason.contains("stays"))
    }

    @Test("a newer one ends it at once, at any stage", arguments: Progress.Stage.allCases)
    func preemption(_ stage: Progress.Stage) {
        let progress = Self.after(.superseded("newer"), Self.at(stage))
        #expect(progress.outcome == .canceled && progress.wasSuperseded && progress.reason == "newer")
    }

    @Test("each stage survives five restarts, and the sixth ends it", arguments: Progress.Stage.allCases)
    func restarts(_ stage: Progress.Stage) {
        var progress = Self.at(stage)
        for count in 1...Progress.maximumRestarts {
            progress.handle(.restarted)
            #expect(progress.stage == stage && progress.restarts == count && !progress.isOver)
        }
        // The next stage has its own five.
        if stage != .switch, !stage.isAfterSwitch { #expect(Self.after(.completed, progress).restarts == 0) }
        progress.handle(.restarted)
        if stage == .settle { #expect(progress.stage == .back) } else { #expect(progress.outcome == .failed) }
        #expect(progress.reason.contains("restarted"))
    }

    @Test("over is over: nothing changes it any more", arguments: Progress.Outcome.allCases)
    func over(_ outcome: Progress.Outcome) {
        let over = Progress(
            policy: .rollback, stage: .settle, outcome: outcome, restarts: 2, reason: "r", ending: nil)
        for event in Self.events { #expect(Self.after(event, over) == over) }
    }

    /// All that can be, from the beginning, to the depth of the longest way there is.
    @Test("whatever happens in whatever order, it ends, and at most the restarts hold it up")
    func everyWay() {
        var seen: Set<Progress> = []
        var open: [Progress] = []
        for policy in Progress.Policy.allCases {
            for (canGoBack, runsUnsettled) in [(true, false), (true, true), (false, false)] {
                var start = Progress(policy: policy)
                start.canGoBack = canGoBack
                start.runsUnsettled = runsUnsettled
                open.append(start)
            }
        }
        var outcomes: Set<Progress.Outcome> = []
        while let progress = open.popLast() {
            guard seen.insert(progress).inserted else { continue }
            if let outcome = progress.outcome {
                outcomes.insert(outcome)
                continue
            }
            #expect(progress.restarts <= Progress.maximumRestarts)
            #expect(progress.stage != .back || progress.ending != nil)
            for event in Self.events {
                let next = Self.after(event, progress)
                // Only these leave it where it is: out of turn, or a second cancellation.
                if next == progress {
                    #expect(
                        (event == .completed && progress.stage == .switch) || progress.stage == .back
                            || (progress.stage != .switch && "\(event)".hasPrefix("switched")),
                        "\(event) \(progress)")
                }
                // It never goes back to an earlier stage.
                let order = Progress.Stage.allCases
                #expect(order.firstIndex(of: next.stage)! >= order.firstIndex(of: progress.stage)!)
                open.append(next)
            }
        }
        #expect(outcomes == Set(Progress.Outcome.allCases))
        #expect(seen.count > 100)
    }
}
