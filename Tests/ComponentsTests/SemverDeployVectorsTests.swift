import Components
import Foundation
import TestSupport
import Testing

/// Cases of dependency resolution and configuration that others published (`HEDGEROW_VECTORS`, set
/// `semver_deploy`).
@Suite struct SemverDeployVectorsTests {
    /// Lines on which we differ on purpose, each with its reason.
    private static let expectedFailures: [String: String] = [:]

    @Test(.enabled(if: VectorSet.isAvailable, "the folder of shared vectors is absent"))
    func publishedDeploymentCasesHold() throws {
        var report = VectorReport(name: "semver_deploy", expectedFailures: Self.expectedFailures)
        for line in try VectorSet.lines(of: "semver_deploy") {
            // Out of scope by the vectors' own rule: nothing here updates the runtime itself.
            let kind = line.value["kind"] as? String ?? "none"
            if kind == "runtime_update" { continue }
            report.record(line.id, try outcome(of: line.value, kind: kind))
        }
        report.finish()
        #expect(report.unexpected.isEmpty, "\(report.summary)")
        #expect(report.passRate >= 0.9)
    }

    private func outcome(of line: [String: Any], kind: String) throws -> VectorReport.Outcome {
        switch kind {
        case "resolve": try resolve(line)
        case "order": order(line)
        case "platform_filter": filter(line)
        case "config_update": try update(line)
        default: .init(expected: "a known kind", got: kind)
        }
    }

    // MARK: Resolution

    private func resolve(_ line: [String: Any]) throws -> VectorReport.Outcome {
        var available: [String: [ComponentCandidate]] = [:]
        for (name, versions) in line["index"] as? [String: [[String: Any]]] ?? [:] {
            available[name] = try versions.map { version in
                try candidate(version["version"] as? String ?? "", version["dependencies"])
            }
        }
        // What another group of the same core wants is wanted by a component that stands for that group.
        var instances = try wishes(line["roots"])
        let others = line["other_groups"] as? [String: Any] ?? [:]
        for (group, roots) in others {
            available["group.\(group)"] = [try candidate("1.0.0", roots)]
            instances.append(ComponentInstance(name: "group.\(group)", version: .any))
        }
        let expected = line["expect"] as? [String: Any] ?? [:]
        do throws(UnresolvedComponents) {
            let lock = try ComponentResolver(available: available).resolve(instances).lock
            var got: [String: String] = [:]
            for entry in lock where !entry.instance.hasPrefix("group.") {
                got[entry.instance] = entry.version.description
            }
            return .init(expected: text(expected["components"] ?? expected), got: text(got))
        } catch {
            return compare(error, expected)
        }
    }

    private func compare(_ error: UnresolvedComponents, _ expected: [String: Any]) -> VectorReport.Outcome {
        guard let wanted = expected["error"] as? String else {
            return .init(expected: text(expected["components"] ?? [:]), got: error.description)
        }
        var names: [String] = []
        var requirements: [String: String] = [:]
        var isCircular = false
        for problem in error.problems {
            switch problem {
            case .circular: isCircular = true
            case .unresolved(let problem): names.append(problem.instance.component)
            case .conflict(let conflict):
                names.append(conflict.component)
                for reason in conflict.reasons {
                    if case .component(let asker, _, _) = reason.asker {
                        requirements[asker] = reason.range.description
                    }
                }
            case .tooManySteps: names.append("too many steps")
            }
        }
        // Everything but a circle is some kind of conflict here; the sets have no common words for the kinds.
        if (wanted == "circular") != isCircular {
            return .init(expected: wanted, got: error.description)
        }
        if let component = expected["component"] as? String, !names.contains(component) {
            return .init(expected: component, got: error.description)
        }
        if let among = expected["among"] as? [String], Set(among).isDisjoint(with: names) {
            return .init(expected: "one of \(among)", got: error.description)
        }
        if let asked = expected["requirements"] as? [String: String],
            !asked.allSatisfy({ requirements[$0.key] == $0.value })
        {
            return .init(expected: text(asked), got: text(requirements))
        }
        return .init(expected: wanted, got: wanted)
    }

    private func candidate(_ version: String, _ dependencies: Any?) throws -> ComponentCandidate {
        ComponentCandidate(
            version: try SemanticVersion(parsing: version), recipeDigest: [],
            dependencies: try wishes(dependencies).map {
                ComponentDependency(component: $0.component, version: $0.version)
            })
    }

    private func wishes(_ value: Any?) throws -> [ComponentInstance] {
        try (value as? [String: String] ?? [:]).sorted { $0.key < $1.key }.map {
            ComponentInstance(name: $0.key, version: try VersionRange(parsing: $0.value))
        }
    }

    // MARK: Order

    private func order(_ line: [String: Any]) -> VectorReport.Outcome {
        let graph = (line["graph"] as? [String: [String]] ?? [:]).mapValues(Set.init)
        let wanted = (line["expect"] as? [String: Any])?["order"] as? [String] ?? []
        let got = StartOrder.order(of: graph)
        // Any order in which each comes after what it depends on is right.
        let isOrdered = got.enumerated().allSatisfy { index, name in
            graph[name]?.isSubset(of: got.prefix(index)) == true
        }
        return .init(
            expected: "ordered \(wanted.sorted())", got: "\(isOrdered ? "ordered" : "\(got)") \(got.sorted())"
        )
    }

    // MARK: Platforms

    /// The origin writes choices into a tree: a mapping with platforms as keys stands for the value of the first
    /// of the core's platforms. Here that is a list of entries, the most specific first.
    private func filter(_ line: [String: Any]) -> VectorReport.Outcome {
        let keywords = Set(line["keywords"] as? [String] ?? [])
        let selectors = line["selectors"] as? [String] ?? []
        let platform = Platform(values: Dictionary(selectors.map { ($0, "yes") }) { first, _ in first })
        func chosen(_ value: Any) -> Any? {
            guard let members = value as? [String: Any] else { return value }
            guard members.keys.contains(where: keywords.contains) else {
                return members.compactMapValues(chosen)
            }
            let known = selectors + keywords.subtracting(selectors).sorted()
            let entries = known.filter { members[$0] != nil }.map { PlatformEntry(values: [$0: "yes"]) }
            return entries.first { $0.matches(platform) }?.values.keys.first.flatMap { members[$0] }
                .flatMap(chosen)
        }
        let got = (line["config"] as? [String: Any] ?? [:]).compactMapValues(chosen)
        return .init(expected: text(line["expect"] ?? [:]), got: text(got))
    }

    // MARK: Configuration

    private func update(_ line: [String: Any]) throws -> VectorReport.Outcome {
        let defaults = try value(line["default"] ?? [:])
        var running = try line["running"].map(value) ?? defaults
        for (index, step) in (line["steps"] as? [[String: Any]] ?? []).enumerated() {
            let update = step["update"] as? [String: Any] ?? [:]
            running = ConfigurationUpdate(
                merge: try update["MERGE"].map(value) ?? [:],
                reset: (update["RESET"] as? [String] ?? []).compactMap(JSONPointer.init)
            ).applied(to: running, defaults: defaults)
            let expected = try value(step["expect"] ?? [:])
            if running != expected {
                return .init(expected: "step \(index): \(expected)", got: "step \(index): \(running)")
            }
        }
        return .init(expected: "every step", got: "every step")
    }

    private func value(_ object: Any) throws -> [String: ConfigurationValue] {
        try JSONDecoder().decode(
            [String: ConfigurationValue].self, from: JSONSerialization.data(withJSONObject: object))
    }

    private func text(_ object: Any) -> String {
        (try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys]))
            .map { String(decoding: $0, as: UTF8.self) } ?? "\(object)"
    }
}
