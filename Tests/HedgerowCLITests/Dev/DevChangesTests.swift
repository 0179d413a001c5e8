import Components
import HedgerowAPI
import SwiftProtobuf
import TestSupport
import Testing

@testable import HedgerowCLI

/// When something was saved, and what is said about what became of it.
@Suite struct DevChangesTests {
    @Test("a change counts when two looks in a row saw the same")
    func settles() {
        let (old, half, new) = (DevStamp(size: 1), DevStamp(size: 2), DevStamp(size: 3))
        var changes = DevChanges(["a": old, "b": old])
        #expect(changes.look(["a": old, "b": old]).isEmpty)
        #expect(!changes.isUnderWay)
        // Half written, away, there again.
        #expect(changes.look(["a": half, "b": old]).isEmpty)
        #expect(changes.isUnderWay)
        #expect(changes.look(["b": old]).isEmpty)
        #expect(changes.look(["a": new, "b": old]).isEmpty)
        #expect(changes.look(["a": new, "b": old]) == ["a"])
        #expect(changes.look(["a": new, "b": old]).isEmpty)
        #expect(!changes.isUnderWay)
    }

    @Test("what is as it was before is no change; what came and went are changes")
    func comesAndGoes() {
        let (old, new) = (DevStamp(size: 1), DevStamp(size: 1, nanoseconds: 5))
        var changes = DevChanges(["a": old])
        #expect(changes.look(["a": new]).isEmpty)
        #expect(changes.look(["a": old]).isEmpty)
        #expect(changes.look(["a": old]).isEmpty)
        #expect(changes.look(["b": new]).isEmpty)
        #expect(changes.look(["b": new]) == ["a", "b"])
    }

    @Test("that another file is watched is no change; that it changed meanwhile is one")
    func watchesMore() {
        let (old, new) = (DevStamp(size: 1), DevStamp(size: 2))
        var changes = DevChanges(["a": old])
        changes.watch(["a": new, "c": old])
        #expect(changes.look(["a": new, "c": old]).isEmpty)
        #expect(changes.look(["a": new, "c": old]) == ["a"])
    }

    // MARK: What is said

    private func lock(_ entries: [String: UInt8]) -> [Hedgerow_Type_V1_LockedComponent] {
        entries.sorted { $0.key < $1.key }.map { name, digest in
            .with {
                $0.instance = name
                $0.component = name
                $0.version = "1.0.0"
                $0.recipeDigest = .init([digest])
            }
        }
    }

    @Test("what restarts, changes, starts and ends is named")
    func names() throws {
        var group = GroupDefinition(name: "g", cores: ["c"])
        group.components = [
            ComponentInstance(name: "a", version: .any), ComponentInstance(name: "t", version: .any),
        ]
        let before = DevInstances(
            lock: lock(["a": 1, "b": 1, "t": 1, "u": 1]), definition: group, programs: ["a", "b", "n"])
        #expect(before.changes(to: before) == "no component restarted")
        #expect(DevInstances().changes(to: before) == "started a, b, t, u")
        let after = DevInstances(
            lock: lock(["a": 2, "n": 1, "t": 2, "u": 1]), definition: group, programs: ["a", "n"])
        #expect(before.changes(to: after) == "restarted a; changed t; started n; ended b")
        // Another environment alone is a restart too.
        group.components[0].environment = ["LEVEL": "debug"]
        let other = DevInstances(
            lock: lock(["a": 1, "b": 1, "t": 1, "u": 1]), definition: group, programs: ["a", "b"])
        #expect(before.changes(to: other) == "restarted a")
    }

    @Test("after one that failed, the next is compared with what runs again")
    func goesBack() {
        let group = GroupDefinition(name: "g", cores: ["c"])
        func instances(_ digest: UInt8) -> DevInstances {
            DevInstances(lock: lock(["a": digest]), definition: group, programs: ["a"])
        }
        let runs = DevRuns()
        #expect(runs.isEmpty)
        #expect(runs.deploy("1", instances(1)) == "started a")
        runs.end("1", isSuccess: true)
        #expect(runs.deploy("2", instances(2)) == "restarted a")
        // One that another took the place of says nothing about that.
        #expect(runs.deploy("3", instances(3)) == "restarted a")
        runs.end("2", isSuccess: false)
        #expect(runs.deploy("4", instances(3)) == "no component restarted")
        runs.end("4", isSuccess: false)
        #expect(runs.deploy("5", instances(3)) == "restarted a")
        runs.end("5", isSuccess: false)
        #expect(runs.deploy("6", instances(1)) == "no component restarted")
        #expect(!runs.isEmpty)
    }

    @Test("a deployment is applied once it was switched to, and may fail after that")
    func outcomes() {
        func core(
            _ status: Hedgerow_Deployment_V1_DeploymentStatus,
            _ stage: Hedgerow_Deployment_V1_DeploymentStage = .unspecified, _ reason: String = ""
        ) -> Hedgerow_Deployment_V1_CoreDeployment {
            .with { ($0.status, $0.stage, $0.reason) = (status, stage, reason) }
        }
        var good = DevOutcome(revision: 3, changes: "restarted a")
        #expect(good.take(core(.pending), after: 0) == nil)
        #expect(good.take(core(.inProgress, .fetch), after: 0.1) == nil)
        #expect(
            good.take(core(.inProgress, .settle), after: 0.42)
                == .good("applied revision 3 in 0.4 s: restarted a"))
        #expect(!good.isOver)
        #expect(good.take(core(.succeeded), after: 10) == nil)
        #expect(good.isOver)

        var back = DevOutcome(revision: 4, changes: "restarted a")
        #expect(back.take(core(.inProgress, .settle), after: 0.5) != nil)
        #expect(
            back.take(core(.rolledBack, .unspecified, "a is broken"), after: 9)
                == .bad("revision 4 failed; the one before runs again: a is broken"))
        #expect(back.isOver)

        var refused = DevOutcome(revision: 5, changes: "")
        #expect(
            refused.take(core(.failed, .unspecified, "no\u{1B}[2J room"), after: 1)
                == .bad("revision 5 was not applied; what ran goes on: no\\u{1b}[2J room"))
        var older = DevOutcome(revision: 6, changes: "")
        #expect(older.take(core(.canceled), after: 1) == nil)
        #expect(older.isOver)
    }

    @Test("a core's lines are read as they are, tabs in them too; others are none")
    func news() {
        #expect(DevNews("line\ta\tx\ty") == .line(instance: "a", text: "x\ty"))
        #expect(DevNews("line\ta\t") == .line(instance: "a", text: ""))
        #expect(
            DevNews("state\ta\tERRORED\tcode 3") == .state(instance: "a", state: "ERRORED", reason: "code 3"))
        #expect(DevNews("state\ta\tRUNNING\t") == .state(instance: "a", state: "RUNNING", reason: ""))
        #expect(DevNews("something else") == nil)
        #expect(DevNews("") == nil)
    }

    @Test(
        "what components write goes to standard output, how they stand beside it, without colours off a terminal"
    )
    func screen() {
        let captured = CommandIO.captured()
        let screen = DevScreen(io: captured.io)
        screen.show(.line(instance: "a", text: "hello \u{1B}[31m"))
        screen.show(.state(instance: "a", state: "STARTING", reason: ""))
        screen.show(.state(instance: "a", state: "ERRORED", reason: "code 3"))
        screen.show(.state(instance: "a", state: "RUNNING", reason: ""))
        #expect(captured.output == "[a] hello \\u{1b}[31m\n")
        #expect(captured.error == "a is ERRORED: code 3\na is RUNNING\n")
    }
}
