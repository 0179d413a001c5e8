import Foundation
import TestSupport
import Testing

/// A core that exports to a directory and is killed under load, again and again.
@Suite(.serialized) struct ExportKillTests {
    private static let group = """
        kind: Group
        name: mill
        cores: [core-a]
        things: [press-1]
        subscriptions:
          - {from: "thing:*", topic: "#", to: cloud}
        streams:
          default:
            exports:
              - cloud
              - {directory: files, maxFileSize: 64KiB, maxFiles: 10000}
              - {directory: /proc/nowhere, name: broken}
        """

    @Test(
        "every acknowledged message is once in the files, whole, after kills at any instant; a broken export stops none"
    )
    func kills() async throws {
        let seed = ProcessInfo.processInfo.environment["HEDGEROW_KILL_SEED"].flatMap { UInt64($0) }
        let used = seed ?? UInt64.random(in: 0..<1_000_000)
        print("export kills: HEDGEROW_KILL_SEED=\(used)")
        var generator = SeededGenerator(seed: used)
        try await ProcessFleet.with { fleet in
            try await fleet.startCloud()
            let admin = try await FleetOperator(enrollingIn: fleet)
            try await admin.register(cores: ["core-a"], things: ["press-1"])
            try await admin.apply(Self.group)
            let core = try await fleet.startCore("core-a", waits: false)
            try await admin.deploy(group: "mill")
            try await fleet.waitForPorts("core-a", core)
            let thing = FleetThing("press-1", in: fleet)
            let publisher = try thing.start(["--interval", "0.01", "--flush-timeout", "60"])
            var before = 0
            for _ in 0..<6 {
                before = try await eventually("lines are written", within: .seconds(60)) {
                    let lines = try Self.lines(fleet).count
                    return lines > before + 50 ? lines : nil
                }
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...200, using: &generator)))
                try await fleet.process("core-a").kill9()
                try await fleet.startCore("core-a")
            }
            publisher.signal(15)
            #expect(try await publisher.waitForExit(within: .seconds(90)) == .code(0))

            let audit = try await eventually("everything acknowledged is in the files", within: .seconds(60))
            {
                () -> DeliveryAudit? in
                var audit = DeliveryAudit()
                for (run, ranges) in try thing.acknowledged() {
                    for range in ranges { audit.acknowledge(run, range) }
                }
                for line in try Self.lines(fleet) { audit.store(line.run, line.sequence) }
                return audit.absentCount == 0 ? audit : nil
            }
            #expect(audit.violations.isEmpty, "\(audit.violations.prefix(5))")
            #expect(audit.acknowledgedCount > 300)
            // Each line is whole, and each file but one is finished.
            #expect(try Self.torn(fleet) == 0)
            // The cloud has everything too, whatever the other exports do.
            try await eventually("everything acknowledged is in the cloud", within: .seconds(60)) {
                var cloud = DeliveryAudit()
                for (run, ranges) in try thing.acknowledged() {
                    for range in ranges { cloud.acknowledge(run, range) }
                }
                try await admin.collect(into: &cloud, things: [thing.name])
                return cloud.violations.isEmpty && cloud.absentCount == 0
            }
        }
    }

    private struct Line: Decodable {
        let thing: String
        let epoch: String
        let sequence: UInt64

        var run: DeliveryAudit.Run { .init(thing: thing, epoch: epoch) }
    }

    private static func files(_ fleet: ProcessFleet) -> [String] {
        let path = "\(fleet.statePath("core-a"))/files"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.sorted().map { "\(path)/\($0)" }
    }

    /// The whole lines of all files.
    private static func lines(_ fleet: ProcessFleet) throws -> [Line] {
        try files(fleet).flatMap { path -> [Line] in
            // A file may be renamed meanwhile; then it is read the next time.
            guard let data = FileManager.default.contents(atPath: path) else { return [] }
            guard let end = data.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
            return try data[..<end].split(separator: UInt8(ascii: "\n")).map {
                try JSONDecoder().decode(Line.self, from: $0)
            }
        }
    }

    /// Files that end within a line.
    private static func torn(_ fleet: ProcessFleet) throws -> Int {
        files(fleet).filter { path in
            guard let data = FileManager.default.contents(atPath: path), let last = data.last else {
                return false
            }
            return last != UInt8(ascii: "\n")
        }.count
    }
}
