import Components
import Foundation
import TestSupport
import Testing

@testable import Cloud

@Suite("Rollouts in the cloud's database")
struct RolloutTests {
    private static let start = Date(timeIntervalSince1970: 1_800_000_000)

    /// A store with a group of so many cores, `c00` and so on.
    private func withGroup(
        of count: Int, _ body: @Sendable (SQLiteDeploymentStore) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { path in
            let database = try CloudDatabase(path: path + "/cloud.sqlite", logger: RunningCloud.logger)
            let registry = SQLiteRegistryStore(database: database)
            let cores = (0..<count).map { Self.core($0) }
            for core in cores {
                _ = try await registry.createThing(
                    ThingRecord(
                        name: core, kind: .core, attributes: [:], createTime: Self.start, lastSeenTime: nil,
                        group: nil),
                    request: nil)
            }
            _ = try await registry.apply(
                GroupDefinition(name: "g", cores: cores), at: Self.start, author: "ann",
                authority: AuthorityRecord(
                    fingerprint: "f", kind: .group, group: "g", certificatePEM: "pem", notBefore: Self.start,
                    notAfter: Self.start.adding(.days(400)), createTime: Self.start, signing: true,
                    liveUntil: nil),
                dryRun: false)
            try await body(SQLiteDeploymentStore(database: database))
        }
    }

    private static func core(_ number: Int) -> String { number < 10 ? "c0\(number)" : "c\(number)" }

    private func deploy(
        _ store: SQLiteDeploymentStore, _ rollout: RolloutPolicy, id: String = "d"
    ) async throws {
        _ = try await store.createDeployment(
            NewDeployment(
                id: id, group: "g", revision: 0, lock: [], rollout: rollout, creator: "operator:ann"),
            request: nil, at: Self.start)
    }

    /// Whether the core is given an assignment.
    private func takes(
        _ store: SQLiteDeploymentStore, _ number: Int, at seconds: Int64 = 0
    ) async throws -> Bool {
        let now = Self.start.adding(.seconds(seconds))
        let taken = try await store.takeAssignment(
            core: Self.core(number), at: now, deadline: now.adding(.seconds(300)), told: 0)
        return taken.assignment != nil
    }

    private func report(
        _ store: SQLiteDeploymentStore, _ number: Int, _ stage: CoreStage, _ id: String = "d",
        at seconds: Int64 = 0
    ) async throws -> RecordedReport {
        try await store.recordReport(
            CoreReport(deploymentID: id, stage: stage, reason: "because"), core: Self.core(number),
            at: Self.start.adding(.seconds(seconds)))
    }

    private func stages(_ store: SQLiteDeploymentStore, _ id: String = "d") async throws -> [CoreStage] {
        try #require(try await store.deployment(id: id)).cores.map(\.stage)
    }

    @Test("the time of the last change moves where something has changed, not where the same is said again")
    func updateTime() async throws {
        try await withGroup(of: 1) { store in
            @Sendable func core() async throws -> CoreDeploymentRecord {
                try #require(try await store.deployment(id: "d")?.cores.first)
            }
            @Sendable func say(_ stage: CoreStage, _ reason: String = "", step: Int = 0, at seconds: Int64)
                async throws
            {
                let now = Self.start.adding(.seconds(seconds))
                _ = try await store.recordReport(
                    CoreReport(
                        deploymentID: "d", stage: stage, reason: reason, step: step,
                        deadline: stage == .inProgress ? now.adding(.seconds(60)) : nil),
                    core: Self.core(0), at: now)
            }
            func time(_ seconds: Int64) -> Date { Self.start.adding(.seconds(seconds)) }

            try await deploy(store, RolloutPolicy())
            #expect(try await takes(store, 0, at: 10))
            #expect(try await core().updateTime == time(10))
            try await say(.inProgress, step: 5, at: 20)
            #expect(try await core().updateTime == time(20))
            // The same: only the deadline is another one.
            try await say(.inProgress, step: 5, at: 30)
            #expect(try await core().updateTime == time(20))
            #expect(try await core().deadline == time(90))
            // Told again, after a lost line.
            #expect(try await takes(store, 0, at: 40))
            #expect(try await core().updateTime == time(20))
            #expect(try await core().step == 5)
            #expect(try await core().deadline == time(340))
            try await say(.inProgress, "the line is slow", step: 5, at: 50)
            #expect(try await core().updateTime == time(50))
            for seconds in [Int64(60), 70] {
                try await say(.succeeded, at: seconds)
                #expect(try await core().updateTime == time(60))
            }
            #expect(try await core().startTime == time(10))
        }
    }

    @Test("no more cores are under way than are allowed, and each that ends makes room for the next")
    func inFlight() async throws {
        try await withGroup(of: 4) { store in
            try await deploy(store, RolloutPolicy(maxInFlight: 2))
            var open = try #require(try await store.openRollouts(at: Self.start).first)
            #expect(open.pending == ["c00", "c01", "c02", "c03"])
            #expect(open.admitted == 2)
            #expect(try await takes(store, 3))
            #expect(try await takes(store, 1))
            #expect(try await !takes(store, 0))
            #expect(try await store.openRollouts(at: Self.start).isEmpty)
            // One that is under way is told again, after a lost line, whatever the limit.
            #expect(try await takes(store, 3))
            _ = try await report(store, 3, .failed)
            open = try #require(try await store.openRollouts(at: Self.start).first)
            #expect(open.pending == ["c00", "c02"])
            #expect(open.admitted == 1)
            #expect(try await takes(store, 0))
            #expect(try await !takes(store, 2))
        }
    }

    @Test("no more cores are begun in any minute than the rate says, which grows with the successes")
    func rate() async throws {
        try await withGroup(of: 8) { store in
            try await deploy(store, RolloutPolicy(rate: .init(maxPerMinute: 2, factor: 2, successes: 2)))
            #expect(try await takes(store, 0, at: 0))
            #expect(try await takes(store, 1, at: 30))
            #expect(try await !takes(store, 2, at: 59))
            // The first start is a minute ago, the second is not.
            #expect(try await takes(store, 2, at: 61))
            #expect(try await !takes(store, 3, at: 62))
            _ = try await report(store, 0, .succeeded)
            #expect(try await !takes(store, 3, at: 62))
            _ = try await report(store, 1, .succeeded)
            #expect(try await takes(store, 3, at: 62))
            #expect(try await takes(store, 4, at: 62))
            #expect(try await !takes(store, 5, at: 62))
        }
    }

    @Test("too many failures stop what was not begun, and say why")
    func abortion() async throws {
        try await withGroup(of: 6) { store in
            try await deploy(
                store, RolloutPolicy(maxInFlight: 3, abort: .init(failedPercent: 30, minimumFinished: 2)))
            for number in 0..<3 { #expect(try await takes(store, number)) }
            #expect(try await report(store, 0, .rolledBack).aborted == nil)
            let reason = try await report(store, 1, .succeeded).aborted
            #expect(reason?.contains("1 of the 2 cores") == true)
            #expect(
                try await stages(store) == [
                    .rolledBack, .succeeded, .inProgress, .canceled, .canceled, .canceled,
                ])
            let record = try #require(try await store.deployment(id: "d"))
            #expect(record.state == .aborted)
            #expect(record.stateReason == reason)
            #expect(record.cores[4].reason.contains("1 of the 2 cores"))
            #expect(try await !takes(store, 4))
            // What was under way comes to its own end.
            #expect(try await report(store, 2, .succeeded).active?.number == 1)
            await #expect(throws: StoreError.self) {
                try await store.decide(.resume, deployment: "d", at: Self.start)
            }
        }
    }

    @Test("cores that do not report in time count as failed")
    func timeout() async throws {
        try await withGroup(of: 3) { store in
            try await deploy(store, RolloutPolicy(maxInFlight: 1, abort: .init(failedPercent: 0)))
            #expect(try await takes(store, 0))
            #expect(try await expire(store, at: 299) == 0)
            #expect(try await expire(store, at: 301) == 1)
            #expect(try await stages(store) == [.timedOut, .canceled, .canceled])
        }
    }

    private func expire(_ store: SQLiteDeploymentStore, at seconds: Int64) async throws -> Int {
        try await store.expire(at: Self.start.adding(.seconds(seconds)), longest: .seconds(7_200))
    }

    @Test("a clock set back keeps nobody in progress for ever, and one set forward counts a late report")
    func clockJumps() async throws {
        try await withGroup(of: 2) { store in
            try await deploy(store, RolloutPolicy())
            #expect(try await takes(store, 0))
            #expect(try await takes(store, 1))
            let day: Int64 = 86_400
            #expect(try await expire(store, at: -day) == 0)
            let deadlines = try #require(try await store.deployment(id: "d")).cores.map(\.deadline)
            #expect(deadlines.allSatisfy { $0 == Self.start.adding(.seconds(7_200 - day)) })
            // What a core says has a deadline by the clock as it is now, and what is nearer stays.
            _ = try await store.recordReport(
                CoreReport(
                    deploymentID: "d", stage: .inProgress, reason: "", step: 1,
                    deadline: Self.start.adding(.seconds(60 - day))),
                core: "c00", at: Self.start.adding(.seconds(-day)))
            #expect(try await expire(store, at: 61 - day) == 1)
            #expect(try await stages(store) == [.timedOut, .inProgress])
            // Forward again.
            #expect(try await expire(store, at: day) == 1)
            for number in 0..<2 { _ = try await report(store, number, .succeeded, at: day + 1) }
            #expect(try await stages(store) == [.succeeded, .succeeded])
        }
    }

    @Test("a paused deployment begins nobody, goes on with those under way, and goes on when resumed")
    func pause() async throws {
        try await withGroup(of: 3) { store in
            try await deploy(store, RolloutPolicy())
            #expect(try await takes(store, 0))
            let paused = try await store.decide(.pause(reason: "lunch"), deployment: "d", at: Self.start)
            #expect(paused.state == .paused)
            #expect(paused.stateReason == "lunch")
            #expect(try await !takes(store, 1))
            #expect(try await report(store, 0, .succeeded).active != nil)
            // Asking again changes nothing.
            #expect(
                try await store.decide(.pause(reason: "dinner"), deployment: "d", at: Self.start)
                    == store.deployment(id: "d"))
            let resumed = try await store.decide(.resume, deployment: "d", at: Self.start)
            #expect(resumed.state == .running)
            #expect(resumed.stateReason == "")
            #expect(try await takes(store, 1))
        }
    }

    @Test("canceling stops who was not begun, tells who is under way, and leaves who came to an end")
    func cancellation() async throws {
        try await withGroup(of: 3) { store in
            try await deploy(store, RolloutPolicy(maxInFlight: 2))
            #expect(try await takes(store, 0))
            #expect(try await takes(store, 1))
            _ = try await report(store, 0, .succeeded)
            let canceled = try await store.decide(
                .cancel(reason: "wrong one"), deployment: "d", at: Self.start)
            #expect(canceled.cores.map(\.stage) == [.succeeded, .inProgress, .canceled])
            #expect(canceled.cores[2].reason == "the deployment was canceled: wrong one")
            let told = try #require(try await store.cancellation(of: "c01"))
            #expect(told.deploymentID == "d")
            #expect(told.reason == "wrong one")
            #expect(try await store.cancellation(of: "c00") == nil)
            #expect(try await store.cancellation(of: "c02") == nil)
            // It is told to stop, not to begin again.
            #expect(try await !takes(store, 1))
            _ = try await report(store, 1, .canceled)
            #expect(try await stages(store) == [.succeeded, .canceled, .canceled])
            #expect(try await store.cancellation(of: "c01") == nil)
            _ = try await store.decide(.cancel(reason: "again"), deployment: "d", at: Self.start)
            #expect(try await store.deployment(id: "d")?.stateReason == "wrong one")
        }
    }

    @Test("a newer deployment takes the place of a rollout, paused or not")
    func superseded() async throws {
        try await withGroup(of: 3) { store in
            try await deploy(store, RolloutPolicy(maxInFlight: 1), id: "d1")
            #expect(try await takes(store, 0))
            _ = try await store.decide(.pause(reason: ""), deployment: "d1", at: Self.start)
            try await deploy(store, RolloutPolicy(), id: "d2")
            #expect(try await stages(store, "d1") == [.canceled, .canceled, .canceled])
            for number in 0..<3 { #expect(try await takes(store, number)) }
            await #expect(throws: StoreError.self) {
                try await store.decide(.resume, deployment: "d1", at: Self.start)
            }
        }
    }

    @Test("a deployment remembers how it was made")
    func record() async throws {
        try await withGroup(of: 1) { store in
            let policy = RolloutPolicy(
                rate: .init(maxPerMinute: 3, factor: 1.5, successes: 4), maxInFlight: 2,
                abort: .init(failedPercent: 12.5, minimumFinished: 8), failurePolicy: .stay,
                settlingTime: .seconds(20))
            try await deploy(store, policy)
            let record = try #require(try await store.deployment(id: "d"))
            #expect(record.rollout == policy)
            #expect(record.creator == "operator:ann")
            #expect(record.state == .running)
            #expect(record.cores[0].startTime == nil)
            #expect(try await takes(store, 0, at: 7))
            let begun = try #require(try await store.deployment(id: "d")).cores[0]
            #expect(begun.startTime == Self.start.adding(.seconds(7)))
            #expect(begun.deadline == Self.start.adding(.seconds(307)))
            _ = try await store.recordReport(
                CoreReport(
                    deploymentID: "d", stage: .inProgress, reason: "", step: 1,
                    deadline: Self.start.adding(.seconds(1_800))),
                core: "c00", at: Self.start.adding(.seconds(8)))
            let fetching = try #require(try await store.deployment(id: "d")).cores[0]
            #expect(fetching.step == 1)
            #expect(fetching.deadline == Self.start.adding(.seconds(1_800)))
            #expect(fetching.startTime == begun.startTime)
            _ = try await report(store, 0, .succeeded, at: 9)
            let over = try #require(try await store.deployment(id: "d")).cores[0]
            #expect(over.step == 0)
            #expect(over.deadline == nil)
        }
    }
}
