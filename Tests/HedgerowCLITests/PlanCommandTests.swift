import Testing

@testable import HedgerowCLI

@Suite("hedgerow plan", .timeLimit(.minutes(2)))
struct PlanCommandTests {
    @Test("says versions with their reasons, what happens on which cores, and what going back restores")
    func table() async throws {
        try await CommandTests().asOperator { person in
            let ran = await person.run(arguments: ["plan", "press-hall"])
            #expect(ran.status == 0, "\(ran.error)")
            for line in [
                "revision  4", "and component:other 1.0.0 wants base *, because the group wants other *",
                "on pi-1, pi-2:", "downloads: 3.0 MiB in 1 file on each core",
                "going back: to revision 3 with smooth 1.0.0, gone 0.9.0, no base", "on pi-3:",
                "downloads: none", "going back: to nothing, no revision of a group runs there",
                "warning: dead letters go nowhere",
            ] {
                #expect(ran.output.contains(line), "\(line) in \(ran.output)")
            }
            let words = ran.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
            #expect(words.contains { $0.prefix(4) == ["smooth", "RESTART", "1.0.0", "1.1.0"] })
            #expect(words.contains { $0.prefix(4) == ["gone", "STOP", "0.9.0", "-"] })
            #expect(words.contains { $0.prefix(4) == ["base", "START", "-", "2.0.0"] })
        }
    }

    @Test("says of a rollback whose lock it is, and deploys nothing")
    func rollback() async throws {
        try await CommandTests().asOperator { person in
            let ran = await person.run(arguments: ["groups", "rollback", "press-hall", "--dry-run"])
            #expect(ran.status == 0, "\(ran.error)")
            for line in ["revision  3", "lock of   d-3", "downloads: 3.0 MiB in 1 file on each core"] {
                #expect(ran.output.contains(line), "\(line) in \(ran.output)")
            }
            let json = await person.run(arguments: [
                "groups", "rollback", "press-hall", "--to", "2", "--dry-run", "--output", "json",
            ])
            #expect(json.output.contains("\"revision\": 2"))
            #expect(json.output.contains("\"lockOfDeployment\": \"d-3\""))
            let plan = await person.run(arguments: ["plan", "press-hall", "--output", "json"])
            #expect(plan.output.contains("\"lockOfDeployment\": null"))
            let both = await person.run(arguments: [
                "groups", "rollback", "press-hall", "--dry-run", "--wait",
            ])
            #expect(both.status == 2 && both.error.contains("--dry-run or --wait"))
        }
    }

    @Test("says the same as JSON, of a revision that is named")
    func json() async throws {
        try await CommandTests().asOperator { person in
            let ran = await person.run(arguments: [
                "plan", "press-hall", "--revision", "2", "--output", "json",
            ])
            #expect(ran.status == 0, "\(ran.error)")
            for part in [
                "\"revision\": 2", "\"downloadBytes\": 3145728", "\"action\": \"UNCHANGED\"",
                "\"added\": true",
            ] {
                #expect(ran.output.contains(part), "\(part) in \(ran.output)")
            }
            let unknown = await person.run(arguments: ["plan", "no-hall"])
            #expect(unknown.status == 3 && unknown.error.contains("no group named"))
        }
    }
}
