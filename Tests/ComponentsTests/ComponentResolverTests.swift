import Components
import Testing

@Suite("Resolution of component instances")
struct ComponentResolverTests {
    func candidate(_ version: String, digest: UInt8 = 0) throws -> ComponentCandidate {
        ComponentCandidate(version: try SemanticVersion(parsing: version), recipeDigest: [digest])
    }

    func instance(_ name: String, _ component: String? = nil, _ range: String) throws -> ComponentInstance {
        ComponentInstance(name: name, component: component, version: try VersionRange(parsing: range))
    }

    func resolver() throws -> ComponentResolver {
        ComponentResolver(
            available: [
                "smooth": try [
                    candidate("1.0.0", digest: 1), candidate("1.2.0", digest: 2),
                    candidate("1.10.0", digest: 3),
                    candidate("2.0.0-beta.1", digest: 4),
                ],
                "empty": [],
            ], names: ["compensate-temperature"])
    }

    /// The problems of one instance's resolution.
    func problems(_ instances: ComponentInstance...) throws -> [UnresolvedComponent] {
        let resolver = try resolver()
        do throws(UnresolvedComponents) {
            let lock = try resolver.resolve(instances).lock
            Issue.record("resolved to \(lock)")
            return []
        } catch {
            return unresolved(error)
        }
    }

    func unresolved(_ error: UnresolvedComponents) -> [UnresolvedComponent] {
        error.problems.compactMap { if case .unresolved(let problem) = $0 { problem } else { nil } }
    }

    @Test("takes the newest that fits, for each instance by itself, with its digest")
    func newest() throws {
        let lock = try resolver().resolve([
            instance("smooth", nil, "^1.0"), instance("old", "smooth", "1.0.x"),
            instance("beta", "smooth", "^2.0.0-alpha"), instance("any", "smooth", "*"),
        ]).lock
        #expect(lock.map(\.instance) == ["smooth", "old", "beta", "any"])
        #expect(lock.map(\.component) == ["smooth", "smooth", "smooth", "smooth"])
        #expect(lock.map(\.version.description) == ["1.10.0", "1.0.0", "2.0.0-beta.1", "1.10.0"])
        #expect(lock.map(\.recipeDigest) == [[3], [1], [4], [3]])
        #expect(try resolver().resolve([]).lock == [])
    }

    @Test("says which versions there are where none fits")
    func noVersion() throws {
        let found = try problems(instance("smooth", nil, "^1.0"), instance("s", "smooth", "^3"))
        #expect(found.map(\.index) == [1])
        #expect(
            found[0].description
                == "component:s wants smooth ^3, but no version fits; there are 2.0.0-beta.1, 1.10.0, 1.2.0, 1.0.0"
        )
        #expect(found[0].problem.path == "components[1].version")
        #expect(found[0].versions.count == 4)
    }

    @Test("says that only a pre-release fits, and how to ask for it")
    func prerelease() throws {
        #expect(
            try problems(instance("s", "smooth", "^2"))[0].description.contains(
                "only pre-releases fit, and a range takes them only where it names one; write 2.0.0-beta.1"))
    }

    @Test("suggests the component that was probably meant")
    func unknown() throws {
        let near = try problems(instance("c", "compensate-temperatur", "1"))[0]
        #expect(near.description.hasSuffix("did you mean \"compensate-temperature\"?"))
        #expect(near.problem.path == "components[0].component")
        let far = try problems(instance("oven", nil, "1"))[0]
        #expect(far.description.hasSuffix("register it with hedgerow components push FILE"))
        #expect(far.problem.path == "components[0].name")
        #expect(try problems(instance("empty", nil, "1"))[0].description.contains("there is no component"))
    }

    @Test("names every instance that fails, and at most ten versions")
    func many() throws {
        let many = ComponentResolver(available: ["a": try (0..<30).map { try candidate("1.\($0).0") }])
        let instances = [
            try instance("x", "a", "^2"), try instance("y", "a", "^1"), try instance("z", nil, "1"),
        ]
        do throws(UnresolvedComponents) {
            _ = try many.resolve(instances)
            Issue.record("resolved")
        } catch {
            #expect(unresolved(error).map(\.instance.name) == ["x", "z"])
            #expect(unresolved(error)[0].description.hasSuffix("1.21.0, 1.20.0 and 20 older"))
            #expect(error.description.split(separator: "\n").count == 2)
        }
    }
}
