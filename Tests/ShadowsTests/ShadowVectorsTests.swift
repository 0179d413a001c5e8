import Foundation
import Shadows
import TestSupport
import Testing

/// Cases from other projects' tests and documentation (`HEDGEROW_VECTORS`, set `shadow`).
@Suite struct ShadowVectorsTests {
    /// Lines on which we differ on purpose, each with its reason.
    private static let expectedFailures: [String: String] = [:]

    @Test(.enabled(if: VectorSet.isAvailable, "the folder of shared vectors is absent"))
    func publishedShadowCasesHold() throws {
        let lines = try VectorSet.lines(of: "shadow")
        var report = VectorReport(name: "shadow", expectedFailures: Self.expectedFailures)
        for line in lines {
            let value = try JSONValue(parsing: JSONSerialization.data(withJSONObject: line.value))
            if let outcome = Self.outcome(of: value.expanded()) { report.record(line.id, outcome) }
        }
        report.finish()
        #expect(report.unexpected.isEmpty, "\(report.summary)")
        #expect(report.passRate >= 0.98)
    }

    /// Nil for what is out of scope by a stated rule.
    private static func outcome(of line: JSONValue) -> VectorReport.Outcome? {
        switch line["kind"]?.string {
        case "delta": return delta(line)
        case "merge": return merge(line)
        case "topic": return topic(line)
        case "three_way": return threeWay(line)
        // Another product's queue of requests.
        case "request_merge": return nil
        case "full_sync": return SyncVector.fullSync(line)
        case "sync": return SyncVector.outcome(of: line)
        case "ops":
            if line["disputed"] != nil, !isDecided(line) { return nil }
            return OperationsVector.outcome(of: line)
        default: return .init(expected: "a known kind", got: line["kind"]?.text ?? "none")
        }
    }

    /// Of what published systems disagree on, our rules decide two things: the version of a first write, and a delta
    /// that a client sends.
    private static func isDecided(_ line: JSONValue) -> Bool {
        guard let steps = line["steps"]?.elements else { return false }
        if steps.contains(where: { $0["payload"]?["state"]?["delta"] != nil }) { return true }
        guard case .integer? = steps.first?["payload"]?["version"] else { return false }
        return true
    }

    private static func delta(_ line: JSONValue) -> VectorReport.Outcome {
        let got = ShadowDocument.delta(
            of: line["desired"]?.members ?? [:], against: line["reported"]?.members ?? [:])
        let text = got.isEmpty ? "null" : JSONValue.object(got).text
        return .init(expected: line["delta"]?.text ?? "null", got: text)
    }

    private static func merge(_ line: JSONValue) -> VectorReport.Outcome {
        let isDocument = line["merged"]?["state"] != nil
        let part = { (name: String) in (isDocument ? line[name]?["state"] : line[name]) ?? .null }
        return .init(expected: part("merged").text, got: part("source").merging(part("patch")).text)
    }

    private static func threeWay(_ line: JSONValue) -> VectorReport.Outcome {
        let isCores = line["owner"] == .string("local")
        let document = { (name: String) -> ShadowDocument? in
            guard let members = line[name]?.members else { return nil }
            return .fixture(desired: isCores ? nil : members, reported: isCores ? members : nil)
        }
        let empty = ShadowDocument.fixture()
        let merge = ShadowMerge(
            base: document("base"), core: document("local") ?? empty, cloud: document("cloud") ?? empty)
        let got = isCores ? merge.reported : merge.desired
        return .init(
            expected: (line["merged"] ?? .object([:])).withoutNulls.text, got: JSONValue.object(got).text)
    }

    private static func topic(_ line: JSONValue) -> VectorReport.Outcome {
        guard case .string(let text)? = line["topic"] else { return .init(expected: "a topic", got: "none") }
        let topic = ShadowTopic(text)
        if line["invalid"] != nil {
            return .init(expected: "invalid", got: topic.map { "\($0)" } ?? "invalid")
        }
        let name = line["shadow"] == .null ? .string("") : line["shadow"] ?? .string("")
        let expected = [line["thing"] ?? .null, name, line["message"] ?? .null].map(\.text).joined(
            separator: " ")
        guard let topic else { return .init(expected: expected, got: "invalid") }
        guard topic.description == text else { return .init(expected: text, got: topic.description) }
        let message = [topic.operation.rawValue, topic.outcome?.rawValue].compactMap(\.self)
        let got = [topic.thing, topic.name, message.joined(separator: "/")].map { JSONValue.string($0).text }
        return .init(expected: expected, got: got.joined(separator: " "))
    }
}
