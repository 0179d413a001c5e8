import Foundation
import Testing

@testable import HedgerowCLI

@Suite struct TraceTreeTests {
    private func span(
        _ id: UInt8, in parent: UInt8?, _ name: String, _ service: String = "hedgerow-core",
        from start: UInt64 = 0,
        to end: UInt64 = 0, _ attributes: [String: String] = [:]
    ) -> CollectedSpan {
        CollectedSpan(
            service: service, trace: Data([0xAB, 1]), id: Data([id]),
            parent: parent.map { Data([$0]) } ?? Data(),
            name: name, start: 1_000_000_000 + start * 1_000_000, end: 1_000_000_000 + end * 1_000_000,
            attributes: attributes)
    }

    private var whole: [CollectedSpan] {
        [
            span(6, in: 5, "cloud receive", "hedgerow-cloud", from: 2_510, to: 2_520),
            span(7, in: 6, "cloud store", "hedgerow-cloud", from: 2_512, to: 2_519),
            span(
                1, in: nil, "thing publish", "hedgerow-thing", from: 0, to: 12,
                ["messaging.destination.name": "a/b"]),
            span(2, in: 1, "core receive", from: 2, to: 10),
            span(3, in: 2, "core append", from: 5, to: 10),
            span(4, in: 3, "core wait", from: 6, to: 2_506, ["hedgerow.stream": "default"]),
            span(5, in: 4, "core forward", from: 2_506, to: 2_521),
            span(8, in: 2, "core transform", from: 3, to: 4),
            span(9, in: 8, "core append", from: 5, to: 10),
            span(10, in: 9, "cloud store", "hedgerow-cloud", from: 20, to: 21),
        ]
    }

    @Test func showsWhatIsPartOfWhat() {
        let tree = TraceTree(whole.shuffled())
        #expect(tree.traceID == "ab01")
        #expect(
            tree.lines == [
                "BEGAN AFTER  TOOK       PROGRAM         WHAT",
                "0.0 ms       12.0 ms    hedgerow-thing  thing publish  (a/b)",
                "2.0 ms       8.0 ms     hedgerow-core   └ core receive",
                "3.0 ms       1.0 ms     hedgerow-core     ├ core transform",
                "5.0 ms       5.0 ms     hedgerow-core     │ └ core append",
                "20.0 ms      1.0 ms     hedgerow-cloud    │   └ cloud store",
                "5.0 ms       5.0 ms     hedgerow-core     └ core append",
                "6.0 ms       2.50 s     hedgerow-core       └ core wait  (stream default)",
                "2.51 s       15.0 ms    hedgerow-core         └ core forward",
                "2.51 s       10.0 ms    hedgerow-cloud          └ cloud receive",
                "2.51 s       7.0 ms     hedgerow-cloud            └ cloud store",
            ])
    }

    @Test func isCompleteWhereEveryAppendLedToTheCloudsDisk() {
        #expect(TraceTree(whole).isComplete)
        #expect(TraceTree(whole).longestWait == 2.5)
        // Sent twice is one span.
        #expect(TraceTree(whole + whole).lines.count == 11)
        #expect(!TraceTree(whole.filter { $0.id != Data([7]) }).isComplete)
        #expect(!TraceTree(whole.filter { $0.id != Data([1]) }).isComplete)
        #expect(!TraceTree([]).isComplete && TraceTree([]).lines.isEmpty)
    }
}
