import Foundation

/// The spans of one trace, as a tree for people.
struct TraceTree {
    private let spans: [CollectedSpan]
    private let children: [Data: [CollectedSpan]]

    init(_ spans: [CollectedSpan]) {
        // Sent twice after an error is one span.
        var seen: Set<Data> = []
        self.spans = spans.filter { seen.insert($0.id).inserted }.sorted {
            ($0.start, $0.end) < ($1.start, $1.end)
        }
        children = Dictionary(grouping: self.spans, by: \.parent)
    }

    /// The trace, in hexadecimal digits.
    var traceID: String {
        (spans.first?.trace ?? Data()).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
            .joined()
    }

    /// Longest time in a stream, in seconds; 0 where it was in none.
    var longestWait: Double { spans.filter { $0.name == "core wait" }.map(\.seconds).max() ?? 0 }

    /// Whether it began at a thing, and each append of it led to the cloud's disk.
    var isComplete: Bool {
        let roots = spans.filter(\.parent.isEmpty)
        let appends = spans.filter { $0.name == "core append" }
        return roots.count == 1 && roots[0].name == "thing publish" && !appends.isEmpty
            && appends.allSatisfy { reaches("cloud store", from: $0) }
    }

    private func reaches(_ name: String, from span: CollectedSpan) -> Bool {
        (children[span.id] ?? []).contains { $0.name == name || reaches(name, from: $0) }
    }

    /// One line a span: when it began, how long it took, the program, and what was done, indented under what it is
    /// part of.
    var lines: [String] {
        guard let root = spans.first(where: \.parent.isEmpty) else { return [] }
        var lines = ["BEGAN AFTER  TOOK       PROGRAM         WHAT"]
        func add(_ span: CollectedSpan, stem: String, branch: String) {
            let began = Double(span.start - min(span.start, root.start)) / 1e9
            var what = stem + branch + span.name
            if let detail = Self.detail(span) { what += "  (\(detail))" }
            lines.append(
                Self.pad(Self.time(began), 13) + Self.pad(Self.time(span.seconds), 11)
                    + Self.pad(span.service, 16)
                    + what)
            let parts = children[span.id] ?? []
            for (index, part) in parts.enumerated() {
                let isLast = index == parts.count - 1
                let below = branch.isEmpty ? stem : stem + (branch == "└ " ? "  " : "│ ")
                add(part, stem: below, branch: isLast ? "└ " : "├ ")
            }
        }
        add(root, stem: "", branch: "")
        return lines
    }

    private static func detail(_ span: CollectedSpan) -> String? {
        switch span.name {
        case "thing publish": span.attributes["messaging.destination.name"]
        case "core transform":
            span.attributes["hedgerow.component.name"].map {
                "\($0) \(span.attributes["hedgerow.component.version"] ?? "")"
            }
        case "core wait": span.attributes["hedgerow.stream"].map { "stream \($0)" }
        case "core forward": span.attributes["messaging.destination.name"]
        default: nil
        }
    }

    private static func time(_ seconds: Double) -> String {
        seconds < 1 ? "\(DemoReadings.fixed(seconds * 1_000, 1)) ms" : "\(DemoReadings.fixed(seconds, 2)) s"
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}
