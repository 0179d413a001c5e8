import Foundation
import HedgerowAPI
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import HedgerowCLI

@Suite("Commands about streams", .timeLimit(.minutes(5)))
struct StreamCommandTests {
    /// A line with a word, its columns separated by one space.
    func line(_ word: String, in text: String) -> String {
        text.split(separator: "\n").first { $0.contains(word) }?.split(separator: " ").joined(separator: " ")
            ?? ""
    }

    @Test("list what each core reported, and show one stream with its exports")
    func listAndShow() async throws {
        try await CommandTests().asOperator { person in
            let list = await person.run("streams", "list")
            #expect(list.status == 0, "\(list.error)")
            #expect(line("pi-1", in: list.output).hasPrefix("pi-1 default 1234 5MiB of 256MiB "))
            #expect(
                line("pi-1", in: list.output).hasSuffix(
                    " 12.3 251 3 cloud archive(fails) 2026-05-04T10:30:00.000Z"))
            #expect(
                line("pi-2", in: list.output).hasSuffix(
                    "cloud(paused) archive(fails) 2026-05-04T10:30:00.000Z (away)"))
            let json = await person.run("streams", "list", "--core", "pi-2", "-o", "json")
            let streams = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]]
            #expect(streams?.map { $0["core"] as? String } == ["pi-2"])
            #expect((streams?.first?["lost"] as? [String: Int]) == ["overwritten": 3])
            #expect(streams?.first?["connected"] as? Bool == false)
            let shown = await person.run("streams", "show", "default", "--core", "pi-1")
            #expect(shown.status == 0, "\(shown.error)")
            #expect(
                line("archive", in: shown.output).hasPrefix(
                    "archive directory running 0 - - the disk is full"))
            #expect(line("lost", in: shown.output) == "lost 3 overwritten")
            #expect(line("abab", in: shown.output).hasSuffix("7 1240 yes"))
            #expect(await person.run("streams", "show", "none", "--core", "pi-1").status == 3)
        }
    }

    @Test("tail page after page, from where it is told, up to the count")
    func tail() async throws {
        try await CommandTests().asOperator { person in
            let all = await person.run(
                "streams", "tail", "default", "--core", "pi-1", "--oldest", "--no-follow")
            #expect(all.status == 0, "\(all.error)")
            let lines = all.output.split(separator: "\n")
            #expect(lines.count == 10)
            #expect(lines.first?.hasSuffix("t  a/b  number 1") == true)
            #expect(lines[4] == "lost: 1 overwritten of t")
            let some = await person.run("streams", "tail", "default", "--core", "pi-1", "--count", "2")
            #expect(some.output.split(separator: "\n").map { $0.suffix(8) } == ["number 8", "number 9"])
            let reads = person.cloud.state.withLock { $0.reads }
            #expect(reads.last?.newest == true)
            #expect(reads.last?.pageSize == 2)
            #expect(reads.last?.wait.seconds == 10)
            let json = await person.run(
                "streams", "tail", "default", "--core", "pi-1", "--since", "10m", "--count", "1", "-o", "json"
            )
            let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
            #expect(object?["sequence"] as? Int == 1)
            #expect((object?["record"] as? [String: Any])?["topic"] as? String == "a/b")
            #expect(person.cloud.state.withLock { $0.reads.last?.time.seconds ?? 0 > 0 })
            let away = await person.run("streams", "tail", "default", "--core", "pi-2", "--count", "1")
            #expect(away.status == 5)
            #expect(away.error.contains("has been away since yesterday"))
            #expect(
                await person.run("streams", "tail", "a", "--core", "c", "--oldest", "--since", "1m").status
                    == 2)
        }
    }

    @Test("pause, resume and delete, the last only where that is confirmed")
    func changes() async throws {
        try await CommandTests().asOperator { person in
            let paused = await person.run("streams", "pause", "default", "--core", "pi-1")
            #expect(paused.output == "cloud of default on pi-1 is paused; it lacks 1 message.\n")
            let resumed = await person.run(
                "streams", "resume", "default", "--core", "pi-1", "--export", "archive", "-o", "json")
            #expect(resumed.output.contains("\"archive\""))
            let unsure = await person.run("streams", "delete", "default", "--core", "pi-1")
            #expect(unsure.status == 2)
            #expect(unsure.error.contains("add --yes"))
            let sure = await person.run("streams", "delete", "default", "--core", "pi-1", "--yes")
            #expect(sure.output == "12 messages of default on pi-1 deleted.\n")
        }
    }

    @Test("write sizes and rates shortly")
    func numbers() {
        #expect(StreamText.size(0) == "0B")
        #expect(StreamText.size(1_023) == "1023B")
        #expect(StreamText.size(1_024) == "1KiB")
        #expect(StreamText.size(1_536) == "1.5KiB")
        #expect(StreamText.size(5 << 20) == "5MiB")
        #expect(StreamText.size(150 * 1_024 + 1) == "150KiB")
        #expect(StreamText.rate(0) == "0")
        #expect(StreamText.rate(0.04) == "0.0")
        #expect(StreamText.rate(99.96) == "100.0")
        #expect(StreamText.rate(250.6) == "251")
    }
}
