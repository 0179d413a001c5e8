import Foundation
import Messaging
import Synchronization
import TestSupport
import Testing

@testable import Supervision

@Suite struct OutputTests {
    private func lines(
        _ filter: inout OutputFilter, _ text: String, at now: Duration = .zero
    ) -> [String] {
        var lines: [String] = []
        Array(text.utf8).withUnsafeBytes { filter.take($0, now: now) { lines.append($0) } }
        return lines
    }

    private func rest(_ filter: inout OutputFilter) -> [String] {
        var lines: [String] = []
        filter.finish(now: .zero) { lines.append($0) }
        return lines
    }

    @Test func linesComeAsTheyEnd() {
        var filter = OutputFilter()
        #expect(lines(&filter, "one\ntw") == ["one"])
        #expect(lines(&filter, "o\r\nthree") == ["two"])
        #expect(rest(&filter) == ["three"])
        #expect(lines(&filter, "\u{1b}[31mred\ttab\n") == ["?[31mred\ttab"])
    }

    @Test func aLongLineIsCut() {
        var filter = OutputFilter()
        let long = String(repeating: "x", count: 5_000)
        let cut = String(repeating: "x", count: OutputFilter.maximumLine) + " [cut]"
        #expect(lines(&filter, long + "\nnext\n") == [cut, "next"])
        // In pieces too, and only the first of it is kept meanwhile.
        #expect(lines(&filter, long) == [])
        #expect(lines(&filter, long) == [])
        #expect(lines(&filter, "\nnext one\n") == [cut, "next one"])
    }

    @Test func repeatedLinesAreFolded() {
        var filter = OutputFilter()
        #expect(lines(&filter, "a\na\na\nb\n") == ["a", "[last line repeated 2 times]", "b"])
        #expect(lines(&filter, "b\nb\n") == [])
        #expect(rest(&filter) == ["[last line repeated 2 times]"])
        #expect(lines(&filter, "\n\n\nx\n") == ["", "[last line repeated 2 times]", "x"])
    }

    @Test func repetitionThatGoesOnIsSaidNowAndThen() {
        var filter = OutputFilter()
        #expect(lines(&filter, "a\na\n", at: .seconds(1)) == ["a"])
        #expect(lines(&filter, "a\n", at: .seconds(12)) == ["[last line repeated 2 times]"])
        var said: [String] = []
        filter.idle(now: .seconds(13)) { said.append($0) }
        #expect(said == [])
    }

    @Test func whatExceedsTheRateIsDroppedAndCounted() throws {
        var filter = OutputFilter()
        var flood = ""
        for number in 0..<40_000 { flood += "line \(number) of a flood that does not end\n" }
        let kept = lines(&filter, flood)
        #expect(kept.first == "line 0 of a flood that does not end")
        let bytes = kept.reduce(0) { $0 + $1.utf8.count + 26 }
        #expect(bytes <= OutputFilter.burst)
        #expect(bytes > OutputFilter.burst - 100)
        let later = lines(&filter, "after\n", at: .seconds(2))
        #expect(later.last == "after")
        let said = try #require(later.first)
        #expect(said.hasPrefix("[\(40_000 - kept.count) lines of "))
        #expect(said.contains("dropped: more than 131072 bytes a second"))
    }

    @Test func theTailIsBounded() {
        var tail = LineTail()
        for number in 0..<2_000 { tail.add("\(number)") }
        #expect(tail.last(2) == ["1998", "1999"])
        #expect(tail.last(10_000).count == LineTail.maximumLines)
        for _ in 0..<100 { tail.add(String(repeating: "x", count: 4_000)) }
        #expect(tail.last(1_000).reduce(0) { $0 + $1.utf8.count } <= LineTail.maximumBytes)
    }

    @Test func filesStayWithinTheirQuota() throws {
        let path = NSTemporaryDirectory() + "hedgerow-log-\(UInt64.random(in: .min ... .max))"
        defer { for file in [path, path + ".1"] { try? FileManager.default.removeItem(atPath: file) } }
        var file = RotatingFile(path: path, quota: 1_000)
        for number in 0..<200 { file.write(Array("line \(number)\n".utf8)) }
        let new = try Data(contentsOf: URL(fileURLWithPath: path))
        let old = try Data(contentsOf: URL(fileURLWithPath: path + ".1"))
        #expect(new.count <= 500 && old.count <= 500 && old.count > 400)
        #expect(String(decoding: new, as: UTF8.self).hasSuffix("line 199\n"))
        // What was there before counts.
        var again = RotatingFile(path: path, quota: 1_000)
        again.write(Array(repeating: UInt8(ascii: "x"), count: 490))
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)).count <= 500)
        #expect(again.failure == 0)
        // A quota that is smaller than what is there.
        var small = RotatingFile(path: path, quota: 200)
        for number in 0..<3 { small.write(Array("line \(number)\n".utf8)) }
        let sizes = [path, path + ".1"].map { (try? Data(contentsOf: URL(fileURLWithPath: $0)).count) ?? 0 }
        #expect(sizes == [21, 0])
        var nowhere = RotatingFile(path: "/proc/nonexistent/log", quota: 1_000)
        nowhere.write([1])
        #expect(nowhere.failure == ENOENT)
    }

    @Test func aFloodIsBoundedAndTheProgramGoesOn() async throws {
        let count = Mutex(0)
        try await withBench { bench in
            var plan = bench.plan(
                // Ten megabytes in lines that differ, and some more that are all the same.
                "awk 'BEGIN { for (i = 0; i < 200000; i++) print \"a line that nobody can read\", i, i, i }'; "
                    + "head -c 5000000 /dev/zero | tr '\\\\0' '\\\\n'; touch done; echo alive; exec sleep 1000"
            )
            plan.logQuota = 200_000
            try await bench.supervise(plan, onLine: { _ in count.withLock { $0 += 1 } }) { supervisor in
                try await eventually("the flood is over") { bench.text("done") != nil }
                // The allowance comes back with time.
                try await eventually("it is heard again") {
                    supervisor.tail(500).contains { $0.contains("dropped: more than") }
                }
            }
            let folder = "\(bench.directory)/log"
            var total = 0
            for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
                total += try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")).count
            }
            #expect(total <= 200_000)
            // A flood of 200,000 lines; what was let through is the allowance and little more.
            #expect(count.withLock { $0 } < 60_000)
        }
    }

    @Test func linesAreHandedToWhoeverListens() async throws {
        let lines = Mutex<[ProgramLine]>([])
        try await withBench { bench in
            let plan = bench.plan("echo out; echo err >&2; exec sleep 1000", name: "speaker")
            try await bench.supervise(plan, onLine: { line in lines.withLock { $0.append(line) } }) { _ in
                try await eventually("both came") {
                    lines.withLock { Set($0.map(\.text)).isSuperset(of: ["out", "err"]) }
                }
            }
        }
        #expect(lines.withLock { $0.allSatisfy { $0.instance == "speaker" } })
    }
}
