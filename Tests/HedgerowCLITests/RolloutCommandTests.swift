import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import Synchronization
import Testing

@testable import HedgerowCLI

@Suite("Commands of rollouts", .timeLimit(.minutes(2)))
struct RolloutCommandTests {
    @Test("say how a deployment comes to its cores")
    func options() async throws {
        try await CommandTests().asOperator { person in
            func rollout(_ options: String...) async -> Hedgerow_Deployment_V1_RolloutPolicy {
                let ran = await person.run(arguments: ["deploy", "press-hall"] + options)
                #expect(ran.status == 0, "\(ran.error)")
                return person.cloud.state.withLock { $0.rollout }
            }
            #expect(await rollout() == .init())
            let policy = await rollout(
                "--max-per-minute", "2", "--grow-by", "1.5", "--grow-after", "10", "--max-in-flight", "5",
                "--abort-above", "12.5", "--abort-after", "20", "--on-failure", "stay", "--settle", "1m30s")
            #expect(policy.rate.maxPerMinute == 2)
            #expect(policy.rate.factor == 1.5)
            #expect(policy.rate.successes == 10)
            #expect(policy.maxInFlight == 5)
            #expect(policy.abort.failedPercent == 12.5)
            #expect(policy.abort.minimumFinished == 20)
            #expect(policy.failurePolicy == .stay)
            #expect(policy.settlingTime.milliseconds == 90_000)
            #expect(await rollout("--abort-above", "0").abort.minimumFinished == 1)
        }
    }

    @Test("refuse options that mean nothing alone")
    func wrongUse() async throws {
        try await CommandTests().asOperator { person in
            for options in [
                ["--grow-by", "2"], ["--grow-after", "2", "--max-per-minute", "1"], ["--abort-after", "3"],
                ["--max-in-flight", "0"], ["--settle", "soon"], ["--on-failure", "panic"],
            ] {
                #expect(
                    await person.run(arguments: ["deploy", "press-hall"] + options).status == 2, "\(options)")
            }
        }
    }

    @Test("pause, resume and cancel, and say so")
    func decisions() async throws {
        try await CommandTests().asOperator { person in
            let paused = await person.run("deployments", "pause", "d-1", "--reason", "look first")
            #expect(paused.status == 0, "\(paused.error)")
            #expect(paused.output.contains("PAUSED: look first"))
            let resumed = await person.run("deployments", "resume", "d-1")
            #expect(resumed.status == 0)
            #expect(!resumed.output.contains("PAUSED"))
            let canceled = await person.run("deployments", "cancel", "d-1", "-o", "json")
            #expect(canceled.output.contains("\"state\": \"CANCELED\""))
        }
    }

    @Test("count many cores, and show who is under way, who failed and who waits")
    func text() {
        let deployment = Hedgerow_Deployment_V1_Deployment.with { deployment in
            for number in 0..<30 {
                deployment.cores.append(
                    .with {
                        $0.core = "c\(number)"
                        $0.connected = true
                        switch number {
                        case 0..<5: $0.status = .succeeded
                        case 5:
                            $0.status = .inProgress
                            $0.stage = .settle
                        case 6:
                            $0.status = .rolledBack
                            $0.reason = "it failed"
                        case 7: $0.status = .canceled
                        default: $0.status = .pending
                        }
                    })
            }
        }
        #expect(
            DeploymentText.counts(deployment)
                == "5 of 30 succeeded, 1 failed, 1 canceled, 1 under way, 22 waiting")
        let rows = DeploymentText.rows(deployment)
        #expect(rows.count == StatusLine.maximumRows)
        #expect(rows[0] == "  c5  IN_PROGRESS  settling")
        #expect(rows[1] == "  c6  ROLLED_BACK  it failed")
        #expect(rows[2] == "  c8  PENDING")
        #expect(rows.last == "  and 13 more")
    }

    @Test("write a policy as a sentence")
    func sentence() {
        #expect(DeploymentText.rolloutLine(.init()) == nil)
        let policy = Hedgerow_Deployment_V1_RolloutPolicy.with {
            $0.rate.maxPerMinute = 2
            $0.rate.factor = 1.5
            $0.rate.successes = 10
            $0.maxInFlight = 5
            $0.abort.failedPercent = 5
            $0.abort.minimumFinished = 20
        }
        #expect(
            DeploymentText.rolloutLine(policy)
                == "at most 2 cores a minute, times 1.5 after every 10 successes; at most 5 at once; "
                + "stops where more than 5 % of at least 20 fail")
    }
}
