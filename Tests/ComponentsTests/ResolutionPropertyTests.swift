import Components
import Foundation
import TestSupport
import Testing

/// The resolver against every set of versions that there is, for small random registries.
@Suite("Resolution against brute force")
struct ResolutionPropertyTests {
    /// A registry as a table: component, version, and what it depends on.
    struct World {
        var versions: [String: [(version: Int, dependencies: [(component: String, allowed: Set<Int>)])]] = [:]
        var roots: [(name: String, component: String, allowed: Set<Int>)] = []

        init(using random: inout SeededGenerator) {
            let names = ["a", "b", "c", "d"].prefix(Int.random(in: 1...4, using: &random))
            for name in names {
                versions[name] = (1...Int.random(in: 1...3, using: &random)).map { version in
                    let dependencies = names.filter { _ in Int.random(in: 0..<10, using: &random) < 4 }
                    return (
                        version,
                        // The last one does not exist.
                        dependencies.map { name in
                            let isUnknown = Int.random(in: 0..<30, using: &random) == 0
                            return (isUnknown ? "e" : name, Self.some(using: &random))
                        }
                    )
                }
            }
            for index in 0..<Int.random(in: 1...3, using: &random) {
                let component = names.randomElement(using: &random) ?? "a"
                roots.append((name: "i\(index)", component: component, allowed: Self.some(using: &random)))
            }
        }

        static func some(using random: inout SeededGenerator) -> Set<Int> {
            let all: [Set<Int>] = [[1], [2], [3], [1, 2], [2, 3], [1, 3], [1, 2, 3], [1, 2, 3]]
            return all.randomElement(using: &random) ?? []
        }

        /// Every valid answer: the version of each instance, by its name.
        func solutions() -> [[String: Int]] {
            var found: [[String: Int]] = []
            // Of components without a root, every subset may be added: 0 stands for none.
            let added = versions.keys.filter { name in !roots.contains { $0.component == name } }.sorted()
            let slots =
                roots.map { ($0.name, versions[$0.component]?.map(\.version) ?? []) }
                + added.map { ($0, [0] + (versions[$0]?.map(\.version) ?? [])) }
            var stack: [[String: Int]] = [[:]]
            for (name, choices) in slots {
                stack = stack.flatMap { partial in
                    choices.map { choice in partial.merging(choice == 0 ? [:] : [name: choice]) { $1 } }
                }
            }
            for candidate in stack where isValid(candidate) { found.append(candidate) }
            return found
        }

        func isValid(_ choice: [String: Int]) -> Bool {
            var component: [String: String] = [:]
            for name in choice.keys { component[name] = roots.first { $0.name == name }?.component ?? name }
            for root in roots where !root.allowed.contains(choice[root.name] ?? 0) { return false }
            var edges: [String: Set<String>] = [:]
            for (name, version) in choice {
                edges[name, default: []] = []
                let entry = versions[component[name] ?? ""]?.first { $0.version == version }
                for dependency in entry?.dependencies ?? [] {
                    let targets = choice.keys.filter { component[$0] == dependency.component }
                    if targets.isEmpty { return false }
                    for target in targets {
                        if !dependency.allowed.contains(choice[target] ?? 0) { return false }
                        edges[name, default: []].insert(target)
                    }
                }
            }
            // Nothing that nobody asks for, and no circle.
            var needed = Set(roots.map(\.name))
            var open = Array(needed)
            while let next = open.popLast() {
                for target in edges[next] ?? [] where needed.insert(target).inserted { open.append(target) }
            }
            return needed == Set(choice.keys) && StartOrder.order(of: edges).count == choice.count
        }

        func resolver() throws -> ComponentResolver {
            ComponentResolver(
                available: try versions.mapValues { versions in
                    try versions.map { version, dependencies in
                        ComponentCandidate(
                            version: try SemanticVersion(parsing: "\(version).0.0"), recipeDigest: [],
                            dependencies: try dependencies.map {
                                ComponentDependency(
                                    component: $0.component, version: try Self.range($0.allowed))
                            })
                    }
                })
        }

        func instances() throws -> [ComponentInstance] {
            try roots.map {
                ComponentInstance(name: $0.name, component: $0.component, version: try Self.range($0.allowed))
            }
        }

        static func range(_ allowed: Set<Int>) throws -> VersionRange {
            try VersionRange(parsing: allowed.sorted().map { "\($0).0.0" }.joined(separator: " || "))
        }
    }

    @Test("finds an answer exactly where there is one, a valid one, and none that is newer throughout")
    func bruteForce() throws {
        var random = SeededGenerator(
            seed: ProcessInfo.processInfo.environment["HEDGEROW_RESOLVE_SEED"].flatMap(UInt64.init)
                ?? 20_260_101)
        var solvable = 0
        for round in 0..<1_500 {
            let world = World(using: &random)
            let solutions = world.solutions()
            let (resolver, instances) = (try world.resolver(), try world.instances())
            do throws(UnresolvedComponents) {
                let resolution = try resolver.resolve(instances)
                let got = Dictionary(
                    uniqueKeysWithValues: resolution.lock.map { ($0.instance, Int($0.version.major)) })
                solvable += 1
                #expect(solutions.contains(got), "round \(round): \(got) is not valid in \(world)")
                let newer = solutions.first { other in
                    other != got && got.allSatisfy { (other[$0.key] ?? 0) >= $0.value }
                }
                #expect(newer == nil, "round \(round): \(got) instead of \(newer ?? [:])")
                #expect(Set(resolution.reasons.keys) == Set(got.keys))
                for reason in resolution.reasons.values.joined() {
                    #expect(reason.chain.last?.asker == .group)
                }
                // The order of the group's list does not matter.
                let turned = try resolver.resolve(instances.reversed()).lock
                #expect(Set(turned) == Set(resolution.lock))
            } catch {
                #expect(
                    solutions.isEmpty,
                    "round \(round): \(error) where \(solutions.first ?? [:]) is valid in \(world)")
                #expect(!error.problems.isEmpty && !error.description.isEmpty)
            }
        }
        // Neither outcome is the rule.
        #expect((300...1_200).contains(solvable), "\(solvable) of 1500 are solvable")
    }
}
