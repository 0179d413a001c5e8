import Components
import Foundation
import TestSupport
import Testing

/// Cases from npm's own tests (`HEDGEROW_VECTORS`, set `semver_range`).
@Suite struct SemverVectorsTests {
    /// Lines on which we differ on purpose, each with its reason.
    private static let expectedFailures: [String: String] = [:]

    /// Kinds of questions that this module does not answer, out of scope by the vectors' own rule.
    private static let otherKinds: Set<String> = ["subset", "outside", "min_version"]

    @Test(.enabled(if: VectorSet.isAvailable, "the folder of shared vectors is absent"))
    func publishedRangeCasesHold() throws {
        var report = VectorReport(name: "semver_range", expectedFailures: Self.expectedFailures)
        for line in try VectorSet.lines(of: "semver_range") {
            let kind = line.value["kind"] as? String ?? "none"
            let options = line.value["options"] as? [String: Bool] ?? [:]
            if Self.otherKinds.contains(kind) || options["loose"] == true { continue }
            report.record(line.id, outcome(of: line.value, kind: kind, options: options))
        }
        report.finish()
        #expect(report.unexpected.isEmpty, "\(report.summary)")
        #expect(report.passRate >= 0.98)
    }

    private func outcome(
        of line: [String: Any], kind: String, options: [String: Bool]
    ) -> VectorReport.Outcome {
        let policy: VersionRange.PrereleasePolicy =
            options["includePrerelease"] == true ? .always : .whereNamed
        func range(_ key: String) -> VersionRange? {
            (line[key] as? String).flatMap { try? VersionRange(parsing: $0, prereleases: policy) }
        }
        func version(_ key: String) -> SemanticVersion? {
            (line[key] as? String).flatMap { try? SemanticVersion(parsing: $0) }
        }
        let versions = (line["versions"] as? [String] ?? []).compactMap { try? SemanticVersion(parsing: $0) }
        let expected = line["expect"]
        switch kind {
        case "satisfies":
            let got = range("range").flatMap { range in version("version").map(range.contains) } ?? false
            return .init(expected: text(expected), got: "\(got)")
        case "intersects":
            let got = range("a").flatMap { first in range("b").map(first.intersects) }
            return .init(expected: text(expected), got: got.map { "\($0)" } ?? "invalid")
        case "compare":
            guard let first = version("a"), let second = version("b") else {
                return .init(expected: text(expected), got: "invalid")
            }
            let got = first.hasSamePrecedence(as: second) ? 0 : first < second ? -1 : 1
            return .init(expected: "\(expected as? Int ?? 99)", got: "\(got)")
        case "version":
            return .init(expected: text(expected), got: version("version").map(parts) ?? "null")
        case "range":
            let isValid = expected is String
            return .init(
                expected: isValid ? "valid" : "invalid", got: range("range") == nil ? "invalid" : "valid")
        case "max_satisfying":
            return .init(
                expected: text(expected), got: range("range")?.maxSatisfying(versions)?.description ?? "null")
        case "min_satisfying":
            return .init(
                expected: text(expected), got: range("range")?.minSatisfying(versions)?.description ?? "null")
        default:
            return .init(expected: "a known kind", got: kind)
        }
    }

    private func text(_ value: Any?) -> String {
        switch value {
        case let text as String: text
        case let object as [String: Any]:
            "\(number(object["major"])).\(number(object["minor"])).\(number(object["patch"]))"
                + " \(list(object["prerelease"])) \(list(object["build"]))"
        case let flag as Bool: "\(flag)"
        default: "null"
        }
    }

    private func parts(_ version: SemanticVersion) -> String {
        "\(version.major).\(version.minor).\(version.patch)"
            + " [\(version.prerelease.map(\.description).joined(separator: ", "))]"
            + " [\(version.build.joined(separator: ", "))]"
    }

    private func number(_ value: Any?) -> String { (value as? NSNumber)?.stringValue ?? "none" }

    private func list(_ value: Any?) -> String {
        let items = (value as? [Any] ?? []).map { $0 as? String ?? number($0) }
        return "[\(items.joined(separator: ", "))]"
    }
}
