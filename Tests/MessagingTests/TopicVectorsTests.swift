import Foundation
import Messaging
import TestSupport
import Testing

/// Cases from other projects' tests (`HEDGEROW_VECTORS`, set `topic`), under MQTT's own size limits.
@Suite struct TopicVectorsTests {
    /// Lines on which we differ on purpose, each with its reason.
    private static let expectedFailures: [String: String] = [:]

    @Test(.enabled(if: VectorSet.isAvailable, "the folder of shared vectors is absent"))
    func publishedTopicCasesHold() throws {
        let lines = try VectorSet.lines(of: "topic")
        var report = VectorReport(name: "topic", expectedFailures: Self.expectedFailures)
        for line in lines {
            let text = ["filter", "topic", "a", "b"].compactMap { line.value[$0] as? String }.joined(
                separator: " ")
            if text.contains("$share/") { continue }  // out of scope: shared subscriptions
            report.record(line.id, outcome(of: line.value))
        }
        report.finish()
        #expect(report.unexpected.isEmpty, "\(report.summary)")
        #expect(report.passRate >= 0.98)
    }

    private func outcome(of line: [String: Any]) -> VectorReport.Outcome {
        switch line["kind"] as? String {
        case "match":
            let got = matches(string(line["filter"]), string(line["topic"]))
            if line["expect"] as? String == "invalid" {
                return .init(expected: "not true", got: got == true ? "true" : "not true")
            }
            return .init(expected: "\(line["expect"] as? Bool == true)", got: "\(got ?? false)")
        case "filter":
            let valid = (try? TopicFilter(string(line["filter"]), limits: .mqtt)) != nil
            return .init(expected: "\(line["expect"] as? Bool == true)", got: "\(valid)")
        case "topic":
            let valid = (try? Topic(string(line["topic"]), limits: .mqtt)) != nil
            return .init(expected: "\(line["expect"] as? Bool == true)", got: "\(valid)")
        case "intersect":
            let got = try? TopicFilter(string(line["a"]), limits: .mqtt)
                .intersection(TopicFilter(string(line["b"]), limits: .mqtt))
            return .init(expected: line["expect"] as? String ?? "none", got: got?.description ?? "none")
        case "match_set":
            return matchSet(line)
        default:
            return .init(expected: "a known kind", got: "\(line["kind"] ?? "none")")
        }
    }

    private func matchSet(_ line: [String: Any]) -> VectorReport.Outcome {
        let filters = (line["filters"] as? [String]) ?? []
        let expected = (line["expect"] as? [String: [String]]) ?? [:]
        var trie = TopicTrie<String>()
        for text in filters {
            if let filter = try? TopicFilter(text, limits: .mqtt) { trie.insert(text, under: filter) }
        }
        let topics = (line["topics"] as? [String]) ?? []
        var got: [String: [String]] = [:]
        for text in topics {
            guard let topic = try? Topic(text, limits: .mqtt) else { continue }
            for filter in trie.values(matching: topic) { got[filter, default: []].append(text) }
        }
        for (filter, wanted) in expected.sorted(by: { $0.key < $1.key }) {
            let found = (got[filter] ?? []).sorted()
            if found != wanted.sorted() {
                return .init(expected: "\(filter): \(wanted.sorted())", got: "\(filter): \(found)")
            }
        }
        return .init(expected: "all", got: "all")
    }

    /// Nil where the filter or the topic is refused. Asks filter and trie, which have to agree.
    private func matches(_ filter: String, _ topic: String) -> Bool? {
        guard let filter = try? TopicFilter(filter, limits: .mqtt),
            let topic = try? Topic(topic, limits: .mqtt)
        else { return nil }
        var trie = TopicTrie<Int>()
        trie.insert(1, under: filter)
        let answer = filter.matches(topic)
        #expect(
            trie.values(matching: topic).isEmpty == !answer, "filter and trie disagree on \(filter) \(topic)")
        return answer
    }

    /// Expands `$repeat-join:/:0..N` and `$repeat:x:N`.
    private func string(_ value: Any?) -> String {
        let text = value as? String ?? ""
        if text.hasPrefix("$repeat-join:/:0..") {
            let last = Int(text.dropFirst("$repeat-join:/:0..".count)) ?? 0
            return (0...last).map(String.init).joined(separator: "/")
        }
        if text.hasPrefix("$repeat:") {
            let parts = text.split(separator: ":")
            return String(repeating: String(parts[1]), count: Int(parts[2]) ?? 0)
        }
        return text
    }
}
