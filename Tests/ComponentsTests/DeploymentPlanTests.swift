import Components
import Testing

/// What a plan says, by comparing what runs with what is wanted.
@Suite("Plan of a deployment")
struct DeploymentPlanTests {
    func revision(
        _ number: UInt64, _ lock: [(String, String)], dependencies: [String: [ComponentDependency]] = [:],
        artifacts: [String: [ArtifactReference]] = [:], platforms: [String: [PlatformEntry]] = [:],
        instances: [ComponentInstance] = [], added: Set<String> = []
    ) throws -> PlannedRevision {
        var requirements: [String: ComponentCandidate] = [:]
        var entries: [LockedComponent] = []
        for (name, version) in lock {
            let candidate = ComponentCandidate(
                version: try SemanticVersion(parsing: version), recipeDigest: Array(version.utf8),
                dependencies: dependencies[name] ?? [], platforms: platforms[name] ?? [],
                artifacts: artifacts[name] ?? [])
            requirements[name] = candidate
            entries.append(
                LockedComponent(
                    instance: name, component: name, version: candidate.version,
                    recipeDigest: candidate.recipeDigest, isAdded: added.contains(name),
                    artifacts: candidate.allArtifacts))
        }
        return PlannedRevision(
            number: number, lock: entries, instances: instances, requirements: requirements)
    }

    func on(_ component: String, _ kind: ComponentDependency.Kind = .hard) -> ComponentDependency {
        ComponentDependency(component: component, version: .any, kind: kind)
    }

    func file(_ digest: UInt8, _ size: Int64) -> ArtifactReference {
        ArtifactReference(name: "f\(digest)", digest: [digest], size: size)
    }

    func actions(_ plan: DeploymentPlan) -> [String] {
        plan.steps.map { "\($0.action.rawValue) \($0.instance)" }
    }

    @Test("starts what is new, stops what is gone, restarts what differs, and leaves the rest")
    func kinds() throws {
        let old = try revision(3, [("a", "1.0.0"), ("b", "1.0.0"), ("gone", "1.0.0")])
        let new = try revision(4, [("a", "1.0.0"), ("b", "1.1.0"), ("new", "1.0.0")], added: ["new"])
        let plan = DeploymentPlan(from: old, to: new)
        #expect(actions(plan) == ["unchanged a", "restart b", "start new", "stop gone"])
        #expect(
            plan.steps.map(\.causes) == [
                [], ["its version changes from 1.0.0 to 1.1.0"], ["a dependency brings it"],
                ["the group no longer has it"],
            ])
        #expect(plan.rollbackRevision == 3 && !plan.changesNothing)
        #expect(
            plan.rollback.map { "\($0.action.rawValue) \($0.instance) \($0.to?.description ?? "-")" } == [
                "start gone 1.0.0", "stop new -", "restart b 1.0.0", "unchanged a 1.0.0",
            ])
        #expect(DeploymentPlan(from: old, to: old).changesNothing)
        let first = DeploymentPlan(from: nil, to: new)
        #expect(first.steps.allSatisfy { $0.action == .start } && first.rollback.isEmpty)
    }

    @Test("one that takes its configuration while it runs goes on, and so does who depends on it")
    func live() throws {
        func wanted(_ number: UInt64, high: Int64, level: String = "info", isLive: Bool) throws
            -> PlannedRevision
        {
            var instance = ComponentInstance(name: "a", version: .any, environment: ["LEVEL": level])
            instance.configuration.merge = ["high": .int(high)]
            var revision = try revision(
                number, [("a", "1.0.0"), ("b", "1.0.0")], dependencies: ["b": [on("a")]],
                instances: [instance])
            revision.defaults = ["a": RecipeConfiguration(["high": .int(80)], isLive: isLive)]
            return revision
        }
        let old = try wanted(1, high: 80, isLive: true)
        let plan = DeploymentPlan(from: old, to: try wanted(2, high: 95, isLive: true))
        #expect(actions(plan) == ["configure a", "unchanged b"])
        #expect(plan.steps.first?.causes == ["its configuration changes"] && !plan.changesNothing)
        #expect(plan.rollback.map(\.action) == [.unchanged, .configure])
        // Its environment it has from its start only.
        #expect(
            actions(DeploymentPlan(from: old, to: try wanted(2, high: 95, level: "debug", isLive: true)))
                == ["restart a", "restart b"])
        #expect(
            actions(
                DeploymentPlan(
                    from: try wanted(1, high: 80, isLive: false), to: try wanted(2, high: 95, isLive: false)))
                == ["restart a", "restart b"])
    }

    @Test("hard dependents restart with what they depend on, and theirs; soft ones do not")
    func dependents() throws {
        let dependencies = [
            "app": [on("mid")], "mid": [on("base")], "watcher": [on("base", .soft)], "far": [on("watcher")],
        ]
        let names = ["app", "mid", "watcher", "far"].map { ($0, "1.0.0") }
        let plan = DeploymentPlan(
            from: try revision(1, names + [("base", "1.0.0")], dependencies: dependencies),
            to: try revision(2, names + [("base", "1.0.1")], dependencies: dependencies))
        #expect(
            Set(actions(plan))
                == ["restart base", "restart mid", "restart app", "unchanged watcher", "unchanged far"])
        let steps = Dictionary(uniqueKeysWithValues: plan.steps.map { ($0.instance, $0) })
        #expect(steps["mid"]?.causes == ["it depends on component:base, which restarts"])
        #expect(steps["app"]?.causes == ["it depends on component:mid, which restarts"])
        // What is depended on starts first.
        let order = plan.steps.map(\.instance)
        for (first, second) in [("base", "mid"), ("mid", "app"), ("base", "watcher"), ("watcher", "far")] {
            let places = (order.firstIndex(of: first) ?? 9, order.firstIndex(of: second) ?? 0)
            #expect(places.0 < places.1, "\(first) before \(second)")
        }
    }

    @Test("a change of one instance's settings restarts that instance only; the same value changes nothing")
    func settings() throws {
        func instances(_ high: Int64, _ hall: String) -> [ComponentInstance] {
            [
                ComponentInstance(
                    name: "a", version: .any, configuration: .init(merge: ["high": .int(high)])),
                ComponentInstance(name: "b", version: .any, environment: ["HALL": hall]),
            ]
        }
        let lock = [("a", "1.0.0"), ("b", "1.0.0")]
        func plan(_ high: Int64, _ hall: String) throws -> DeploymentPlan {
            DeploymentPlan(
                from: try revision(1, lock, instances: instances(1, "x")),
                to: try revision(2, lock, instances: instances(high, hall)))
        }
        #expect(try actions(plan(1, "x")) == ["unchanged a", "unchanged b"])
        #expect(try actions(plan(2, "x")) == ["restart a", "unchanged b"])
        #expect(try plan(2, "x").steps[0].causes == ["its configuration changes"])
        #expect(try actions(plan(1, "y")) == ["unchanged a", "restart b"])
        #expect(try plan(1, "y").steps[1].causes == ["its environment changes"])
    }

    @Test("counts what is to be downloaded by content, for the core's platform")
    func downloads() throws {
        let linux = PlatformEntry(values: ["os": "linux"], artifacts: [file(3, 300)])
        let mac = PlatformEntry(values: ["os": "macos"], artifacts: [file(4, 4_000)])
        let old = try revision(1, [("a", "1.0.0")], artifacts: ["a": [file(1, 10)]])
        let new = try revision(
            2, [("a", "1.1.0"), ("b", "1.0.0")],
            artifacts: ["a": [file(1, 10), file(2, 20)], "b": [file(2, 20)]],
            platforms: ["b": [linux, mac]])
        let known = DeploymentPlan(
            from: old, to: new, platform: Platform(os: "linux", architecture: "aarch64"))
        #expect(known.downloads.map(\.size) == [20, 300] && known.downloadBytes == 320)
        #expect(DeploymentPlan(from: old, to: new).downloadBytes == 4_320)
        #expect(
            DeploymentPlan(from: nil, to: new, platform: Platform(os: "macos", architecture: "aarch64"))
                .downloadBytes == 4_030)
    }
}
