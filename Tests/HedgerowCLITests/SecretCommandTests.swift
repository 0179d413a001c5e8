import Foundation
import HedgerowAPI
import Synchronization
import TestSupport
import Testing

@testable import HedgerowCLI

@Suite("Commands about secrets", .timeLimit(.minutes(5)))
struct SecretCommandTests {
    @Test("set from standard input, without the line break that echo adds, and never from an argument")
    func fromInput() async throws {
        try await CommandTests().asOperator { person in
            let set = await person.run("secrets", "set", "press-hall", "key", input: "s3cr3t-word\n")
            #expect(set.status == 0, "\(set.error)")
            #expect(set.output == "Secret key of group press-hall has a new value (version 2).\n")
            #expect(set.error.contains("2 attached cores were told to fetch it"))
            #expect(person.cloud.state.withLock { $0.secrets["press-hall/key"] } == Data("s3cr3t-word".utf8))
            let again = await person.run("secrets", "set", "press-hall", "key", input: "s3cr3t-word\n")
            #expect(again.output.contains("has that value already") && again.error.isEmpty)
            #expect(await person.run("secrets", "set", "press-hall", "key", "s3cr3t-word").status == 2)
            #expect(await person.run("secrets", "set", "press-hall", "key", input: "\n").status == 2)
            #expect(await person.run("secrets", "set", "nowhere", "key", input: "x").status == 3)
            for text in [set.output, set.error, again.output] { #expect(!text.contains("s3cr3t")) }
        }
    }

    @Test("set from a file as it is, up to 64 KiB")
    func fromFile() async throws {
        try await CommandTests().asOperator { person in
            let path = person.directory + "/key"
            try Data([0, 255, 10]).write(to: URL(filePath: path))
            let set = await person.run(
                "secrets", "set", "press-hall", "key", "--from-file", path, "-o", "json")
            #expect(set.status == 0, "\(set.error)")
            let json = try JSONSerialization.jsonObject(with: Data(set.output.utf8)) as? [String: Any]
            #expect(json?["version"] as? Int == 2 && json?["changed"] as? Bool == true)
            #expect(json?["notifiedCores"] as? Int == 2 && json?["value"] == nil)
            #expect(person.cloud.state.withLock { $0.secrets["press-hall/key"] } == Data([0, 255, 10]))
            try Data(count: (64 << 10) + 1).write(to: URL(filePath: path))
            let large = await person.run("secrets", "set", "press-hall", "key", "--from-file", path)
            #expect(large.status == 2 && large.error.contains("at most 65536"))
            #expect(
                await person.run("secrets", "set", "press-hall", "key", "--from-file", "/none").status == 2)
        }
    }

    @Test("list names without values, and remove")
    func listAndRemove() async throws {
        try await CommandTests().asOperator { person in
            _ = await person.run("secrets", "set", "press-hall", "key", input: "s3cr3t-word")
            let list = await person.run("secrets", "list", "press-hall")
            #expect(list.status == 0, "\(list.error)")
            #expect(
                ComponentCommandTests().line("key", in: list.output)
                    == "press-hall key 2 11 2026-05-04T10:30:00.000Z ann")
            let json = await person.run("secrets", "list", "-o", "json")
            #expect(json.output.contains("\"sizeBytes\": 11") && !json.output.contains("s3cr3t"))
            let removed = await person.run("secrets", "remove", "press-hall", "key")
            #expect(removed.output == "Group press-hall has no secret key any more.\n")
            #expect(removed.error.contains("No core of the group is attached"))
            #expect(await person.run("secrets", "remove", "press-hall", "key").status == 3)
        }
    }
}
