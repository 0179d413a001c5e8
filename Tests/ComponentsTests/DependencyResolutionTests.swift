import Components
import Testing

/// What a resolution with dependencies chooses and says.
@Suite("Resolution of dependencies")
struct DependencyResolutionTests {
    /// A registry in short: `["a": ["1.0.0": ["b": "^1"]]]`.
    func resolver(
        _ index: [String: [String: [String: String]]], platforms: [String: [PlatformEntry]] = [:],
        cores: [String: Platform] = [:], soft: Set<String> = [],
        maximumSteps: Int = ComponentResolver.maximumSteps
    ) throws -> ComponentResolver {
        var available: [String: [ComponentCandidate]] = [:]
        for (name, versions) in index {
            available[name] = try versions.map { version, dependencies in
                ComponentCandidate(
                    version: try SemanticVersion(parsing: version), recipeDigest: [],
                    dependencies: try dependencies.sorted { $0.key < $1.key }.map {
                        ComponentDependency(
                            component: $0.key, version: try VersionRange(parsing: $0.value),
                            kind: soft.contains($0.key) ? .soft : .hard)
                    }, platforms: platforms["\(name) \(version)"] ?? [])
            }
        }
        return ComponentResolver(
            available: available, names: ["filter"], cores: cores, maximumSteps: maximumSteps)
    }

    func instance(_ name: String, _ component: String? = nil, _ range: String) throws -> ComponentInstance {
        ComponentInstance(name: name, component: component, version: try VersionRange(parsing: range))
    }

    func versions(_ resolution: Resolution) -> [String: String] {
        Dictionary(uniqueKeysWithValues: resolution.lock.map { ($0.instance, $0.version.description) })
    }

    func messages(_ resolver: ComponentResolver, _ instances: ComponentInstance...) -> [String] {
        problems(resolver, instances).map(\.description)
    }

    func problems(_ resolver: ComponentResolver, _ instances: [ComponentInstance]) -> [ResolutionProblem] {
        do throws(UnresolvedComponents) {
            Issue.record("resolved to \(try resolver.resolve(instances).lock)")
            return []
        } catch {
            return error.problems
        }
    }

    @Test("adds an instance where the group has none, marked as such, and says why")
    func added() throws {
        let resolver = try resolver([
            "app": ["1.0.0": ["base": "^1"]], "base": ["1.0.0": [:], "1.1.0": ["log": "*"], "2.0.0": [:]],
            "log": ["0.1.0": [:]],
        ])
        let resolution = try resolver.resolve([instance("hall", "app", "*")])
        #expect(resolution.lock.map(\.instance) == ["hall", "base", "log"])
        #expect(resolution.lock.map(\.isAdded) == [false, true, true])
        #expect(versions(resolution) == ["hall": "1.0.0", "base": "1.1.0", "log": "0.1.0"])
        #expect(
            resolution.reasons["log"]?.map(\.description) == [
                "component:base 1.1.0 wants log *, because component:hall 1.0.0 wants base ^1, because the group "
                    + "wants app *"
            ])
    }

    @Test("binds every instance of the component in the group, and adds none beside them")
    func bindsAll() throws {
        let resolver = try resolver([
            "app": ["1.0.0": ["base": "<2"]], "base": ["1.0.0": [:], "1.5.0": [:], "2.0.0": [:]],
        ])
        let resolution = try resolver.resolve([
            instance("app", nil, "*"), instance("b1", "base", "*"), instance("b2", "base", "1.0.x"),
        ])
        #expect(versions(resolution) == ["app": "1.0.0", "b1": "1.5.0", "b2": "1.0.0"])
        #expect(resolution.reasons["b1"]?.count == 2)
    }

    @Test("goes back on a choice that leads nowhere")
    func backtracks() throws {
        let resolver = try resolver([
            "a": ["2.0.0": ["c": "^1"], "1.0.0": [:]],
            "b": ["2.0.0": ["c": "^3"], "1.0.0": ["c": "^2"]],
            "c": ["1.0.0": [:], "2.0.0": [:], "3.0.0": [:]],
        ])
        let resolution = try resolver.resolve([instance("a", nil, "*"), instance("b", nil, "*")])
        #expect(versions(resolution) == ["a": "1.0.0", "b": "2.0.0", "c": "3.0.0"])
    }

    @Test("a soft dependency binds the version too, and takes no pre-release that it does not name")
    func softAndPrereleases() throws {
        let resolver = try resolver(
            ["app": ["1.0.0": ["base": ">=1"]], "base": ["1.0.0": [:], "2.0.0-beta": [:]]], soft: ["base"])
        let resolution = try resolver.resolve([instance("app", nil, "*")])
        #expect(versions(resolution)["base"] == "1.0.0")
        #expect(resolution.reasons["base"]?.first?.description.contains("base >=1 (soft)") == true)
    }

    @Test("a conflict names both wishes, who asked for each and why, and the versions")
    func conflict() throws {
        let resolver = try resolver([
            "app": ["1.0.0": ["left": "*", "right": "*"]], "left": ["1.0.0": ["base": "<=1.1.0"]],
            "right": ["1.1.0": ["base": ">=1.2.0"]],
            "base": ["1.0.0": [:], "1.1.0": [:], "1.2.0": [:], "1.5.0": [:]],
        ])
        #expect(
            messages(resolver, try instance("app", nil, "*")) == [
                "no version of base suits all: component:left 1.0.0 wants base <=1.1.0, because component:app 1.0.0 "
                    + "wants left *, because the group wants app *; and component:right 1.1.0 wants base >=1.2.0, "
                    + "because component:app 1.0.0 wants right *, because the group wants app *; there are 1.5.0, "
                    + "1.2.0, 1.1.0, 1.0.0"
            ])
    }

    @Test("of many failures, tells the one that no other choice avoids")
    func essentialConflict() throws {
        // Every version of `a` fails, for reasons of its own; that `x` and `y` exclude each other remains.
        let resolver = try resolver([
            "a": ["1.0.0": ["b": "1.0.0"], "2.0.0": ["b": "9"]], "b": ["1.0.0": [:]],
            "x": ["1.0.0": ["z": "1.0.0"]], "y": ["1.0.0": ["z": "2.0.0"]],
            "z": ["1.0.0": [:], "2.0.0": [:]],
        ])
        let found = messages(
            resolver, try instance("a", nil, "*"), try instance("x", nil, "*"), try instance("y", nil, "*"))
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("no version of z suits all: component:x 1.0.0 wants z 1.0.0") == true)
    }

    @Test("a circle is named with who wants what")
    func circle() throws {
        let resolver = try resolver([
            "app": ["1.0.0": ["b": "*"]], "b": ["1.0.0": ["c": "*"]], "c": ["1.0.0": ["b": "^1"]],
        ])
        let found = messages(resolver, try instance("app", nil, "*"))
        #expect(found.count == 1)
        #expect(found.first?.contains(" is a circle of dependencies: ") == true)
        #expect(found.first?.contains("component:b 1.0.0 wants c *") == true)
        #expect(found.first?.contains("component:c 1.0.0 wants b ^1") == true)
        #expect(found.first?.contains("because the group wants app *") == true)
    }

    @Test("a version with a circle is passed over where another one has none")
    func avoidableCircle() throws {
        let resolver = try resolver([
            "foo": ["1.0.0": ["bar": "*"]], "bar": ["2.0.0": ["foo": "*"], "1.0.0": [:]],
        ])
        #expect(
            try versions(resolver.resolve([instance("foo", nil, "*")])) == ["foo": "1.0.0", "bar": "1.0.0"])
    }

    @Test("an unknown component is named with who wants it and what may have been meant")
    func unknown() throws {
        let resolver = try resolver(["app": ["1.0.0": ["fillter": "^2"]]])
        #expect(
            messages(resolver, try instance("app", nil, "*")) == [
                "component:app 1.0.0 wants fillter ^2, because the group wants app *, but there is no component "
                    + "\"fillter\"; did you mean \"filter\"?"
            ])
    }

    @Test("an added instance does not take the name of another one")
    func nameTaken() throws {
        let resolver = try resolver(["app": ["1.0.0": ["base": "*"]], "base": ["1.0.0": [:]]])
        let found = messages(resolver, try instance("base", "app", "*"))
        #expect(found.first?.contains("the group has one of that name, of the component \"app\"") == true)
    }

    @Test("every instance that has no solution by itself is named, at its place")
    func severalProblems() throws {
        let resolver = try resolver([
            "a": ["1.0.0": ["base": "^7"]], "b": ["1.0.0": ["gone": "*"]], "c": ["1.0.0": [:]],
            "base": ["1.0.0": [:]],
        ])
        let found = problems(
            resolver,
            [
                try instance("a", nil, "*"), try instance("b", nil, "*"), try instance("c", nil, "*"),
                try instance("d", "c", "^2"),
            ])
        #expect(
            found.map(\.problem.path) == ["components[0]", "components[1]", "components[3].version"])
    }

    @Test("versions that do not run on a core are not chosen; where none is left, the core is named")
    func platforms() throws {
        let linux = PlatformEntry(values: ["os": "linux", "architecture": "aarch64", "camera": "*"])
        let platforms = ["a 2.0.0": [linux], "a 1.0.0": [linux, PlatformEntry(values: ["os": "linux"])]]
        func choose(_ core: Platform, _ range: String = "*") throws -> [String: String] {
            let resolver = try resolver(
                ["a": ["1.0.0": [:], "2.0.0": [:]]], platforms: platforms, cores: ["pi-1": core])
            return try versions(resolver.resolve([instance("a", nil, range)]))
        }
        #expect(try choose(Platform(os: "linux", architecture: "aarch64")) == ["a": "2.0.0"])
        #expect(try choose(Platform(os: "linux", architecture: "x86_64")) == ["a": "1.0.0"])
        let mac = try resolver(
            ["a": ["1.0.0": [:], "2.0.0": [:]]], platforms: platforms,
            cores: [
                "pi-1": Platform(os: "linux", architecture: "aarch64"),
                "mac": Platform(os: "macos", architecture: "aarch64"),
            ])
        #expect(
            messages(mac, try instance("a", nil, "^2")) == [
                "component:a wants a ^2, but core \"mac\" (macos aarch64) cannot run 2.0.0, 2.0.0 is for linux "
                    + "aarch64 (there are 2.0.0, 1.0.0)"
            ])
    }

    @Test("gives up after a bounded number of attempts and says so")
    func bounded() throws {
        // Which of a's versions fits shows only when all of the others have theirs.
        var index: [String: [String: [String: String]]] = [:]
        for name in ["a", "b", "c", "d"] {
            index[name] = Dictionary(
                uniqueKeysWithValues: (0..<20).map { ("1.\($0).0", ["end-\(name)": "1.\($0).0"]) })
            index["end-\(name)"] = Dictionary(
                uniqueKeysWithValues: (0..<20).map { ("1.\($0).0", ["last": "1.\($0).0"]) })
        }
        index["last"] = ["2.0.0": [:]]
        let instances = try ["a", "b", "c", "d"].map { try instance($0, nil, "*") }
        let few = problems(try resolver(index, maximumSteps: 10), instances)
        #expect(few == [.tooManySteps(limit: 10)])
        #expect(few.first?.description.contains("10 attempts") == true)
        // Without a bound that low, going back to what has to do with a failure finds out quickly.
        let enough = problems(try resolver(index, maximumSteps: 2_000), instances)
        #expect(enough.count == 4)
    }

    @Test("hundreds of versions of many components are no matter")
    func large() throws {
        var index: [String: [String: [String: String]]] = [:]
        for component in 0..<100 {
            index["c\(component)"] = Dictionary(
                uniqueKeysWithValues: (0..<50).map { version in
                    ("1.\(version).0", component < 99 ? ["c\(component + 1)": "<=1.\(version).0"] : [:])
                })
        }
        let resolution = try resolver(index).resolve([
            instance("c0", nil, "*"), instance("c99", nil, "1.3.0"),
        ])
        #expect(resolution.lock.count == 100)
        #expect(resolution.steps == 100)
        #expect(resolution.reasons["c98"]?.first?.chain.count == 99)
    }
}
