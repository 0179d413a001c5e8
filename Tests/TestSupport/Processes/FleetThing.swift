public import Foundation
public import ThingClient

/// A thing as a process: `hedgerow thing run`, with the files that say what it did.
public struct FleetThing: Sendable {
    /// A thing's counts as it last wrote them.
    public struct Snapshot: Sendable {
        /// The counts.
        public let statistics: ThingStatistics
        /// When they were written.
        public let written: Date
    }

    /// Its name.
    public let name: String
    private let fleet: ProcessFleet

    /// Names a thing of a fleet; its token file has to be there.
    public init(_ name: String, in fleet: ProcessFleet) {
        self.name = name
        self.fleet = fleet
    }

    /// A line `EPOCH FIRST LAST` for each acknowledged range, of all its processes: what the oracle believes.
    public var acknowledgementPath: String { "\(fleet.directory)/\(name).acknowledged" }
    /// The counts of its last process.
    public var statisticsPath: String { "\(fleet.directory)/\(name).statistics" }

    /// Starts a process that publishes simulated readings.
    public func start(_ arguments: [String], environment: [String: String] = [:]) throws -> FleetProcess {
        try? FileManager.default.removeItem(atPath: statisticsPath)
        return try fleet.launch(
            "hedgerow", name: name,
            [
                "thing", "run", "--token", fleet.tokenPath(name), "--state", fleet.statePath(name), "--quiet",
                "--stats-file", statisticsPath, "--ack-log", acknowledgementPath,
            ] + arguments, environment: environment)
    }

    /// The counts as last written, once a second; nil before the first time.
    public func snapshot() -> Snapshot? {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: statisticsPath),
            let written = attributes[.modificationDate] as? Date,
            let data = FileManager.default.contents(atPath: statisticsPath),
            let statistics = try? JSONDecoder().decode(ThingStatistics.self, from: data)
        else { return nil }
        return Snapshot(statistics: statistics, written: written)
    }

    /// What was acknowledged so far, by all processes of the thing.
    ///
    /// - Throws: ``DidNotHappen`` where a line is not what it should be; a last line without its end is the
    ///   work of a SIGKILL and is left out.
    public func acknowledged() throws -> [DeliveryAudit.Run: [ClosedRange<UInt64>]] {
        guard let data = FileManager.default.contents(atPath: acknowledgementPath) else { return [:] }
        var ranges: [DeliveryAudit.Run: [ClosedRange<UInt64>]] = [:]
        let text = String(decoding: data, as: UTF8.self)
        let whole = text.lastIndex(of: "\n").map { text[...$0] } ?? ""
        for line in whole.split(separator: "\n") {
            let parts = line.split(separator: " ")
            guard parts.count == 3, let first = UInt64(parts[1]), let last = UInt64(parts[2]), first <= last
            else {
                throw DidNotHappen(description: "\(acknowledgementPath) has the line \"\(line)\"")
            }
            ranges[.init(thing: name, epoch: String(parts[0])), default: []].append(first...last)
        }
        return ranges
    }
}
