import Foundation
import Testing

@testable import ThingClient

@Suite("Recordings")
struct ReplaySourceTests {
    private func withFile<R>(_ text: String, _ body: (String) async throws -> R) async throws -> R {
        let path = FileManager.default.temporaryDirectory.path + "/replay-\(UUID().uuidString).csv"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try await body(path)
    }

    private func all(_ source: ReplaySource, limit: Int = 1_000) async throws -> [SourcedReading] {
        var source = source
        var readings: [SourcedReading] = []
        while readings.count < limit, let reading = try await source.next(after: noon) {
            readings.append(reading)
        }
        return readings
    }

    @Test func readingsComeWithUnitsTimesAndTheRecordedPace() async throws {
        let text = #"""
            time,temperature[°C],"humidity [%RH]",door,note
            2026-03-01T12:00:00Z,21.4,48,true,start
            2026-03-01T12:00:02.5Z,21,,false,"a, ""b"""
            """#
        let readings = try await withFile(text) { try await all(ReplaySource(path: $0)) }
        #expect(
            readings == [
                SourcedReading(
                    delay: .zero, time: noon,
                    values: ["temperature": 21.4, "humidity": 48.0, "door": true, "note": "start"],
                    units: ["temperature": "°C", "humidity": "%RH"]),
                SourcedReading(
                    delay: .seconds(2.5), time: noon.addingTimeInterval(2.5),
                    values: ["temperature": 21.0, "door": false, "note": "a, \"b\""],
                    units: ["temperature": "°C"]),
            ])
    }

    @Test func speedScalesTheDelaysAndNotTheTimes() async throws {
        let readings = try await withFile("t,v\n0,1\n10,2\n") {
            try await all(ReplaySource(path: $0, speed: 10, timeColumn: "T"))
        }
        #expect(readings.map(\.delay) == [.zero, .seconds(1)])
        #expect(readings.last?.time == Date(timeIntervalSince1970: 10))
    }

    @Test func loopingGoesOnWithGrowingTimes() async throws {
        let readings = try await withFile("time,v\n100,1\n102,2\n104,3") {
            try await all(ReplaySource(path: $0, loops: true), limit: 7)
        }
        #expect(readings.compactMap(\.time?.timeIntervalSince1970) == [100, 102, 104, 106, 108, 110, 112])
        #expect(readings.dropFirst().allSatisfy { $0.delay == .seconds(2) })
    }

    @Test func aLoopOverNothingEnds() async throws {
        let readings = try await withFile("time,v\n100,\n") {
            try await all(ReplaySource(path: $0, loops: true))
        }
        #expect(readings.isEmpty)
    }

    @Test func restampedReadingsHaveNoTimeOfTheirOwn() async throws {
        let readings = try await withFile("time,v\n100,1\n") {
            try await all(ReplaySource(path: $0, restamps: true))
        }
        #expect(readings.map(\.time) == [nil])
    }

    @Test func aClockThatWentBackDelaysNothing() async throws {
        let readings = try await withFile("time,v\n100,1\n50,2\n101,3") {
            try await all(ReplaySource(path: $0))
        }
        #expect(readings.map(\.delay) == [.zero, .zero, .seconds(1)])
    }

    @Test func aLongFileComesInPieces() async throws {
        var text = "time,value[V]\r\n"
        for index in 0..<20_000 { text += "\(1_700_000_000 + index),\(index)\r\n" }
        let readings = try await withFile(text) { try await all(ReplaySource(path: $0), limit: 30_000) }
        #expect(readings.count == 20_000)
        #expect(readings.last?.values == ["value": 19_999.0])
    }

    @Test(arguments: [
        ("", 1, "empty"), ("a,b\n1,2\n", 1, "no column is called time"),
        ("time\n1\n", 1, "no column of values"),
        ("time,v,v\n1,2,3\n", 1, "two columns"), ("time,v\n1,2\n3\n", 3, "1 fields"),
        ("time,v\nyesterday,2\n", 2, "no time"), ("time,v\n1,\"2\n3,4\n", 2, "does not end"),
        ("time,v\n\n1,\"2\"x\n", 3, "closing quote"), ("time,\n1,2\n", 1, "no name"),
    ])
    func errorsNameTheLine(text: String, line: Int, problem: String) async throws {
        try await withFile(text) { path in
            let error = await #expect(throws: CSVError.self) { try await all(ReplaySource(path: path)) }
            #expect(error?.line == line)
            #expect(error?.problem.contains(problem) == true, "\(error?.problem ?? "")")
            #expect(error?.description.hasPrefix(path) == true)
        }
    }

    @Test func aMissingFileIsSaid() async {
        await #expect(throws: CSVError.self) { try await all(ReplaySource(path: "/nowhere/at/all.csv")) }
        #expect(throws: ThingError.self) { try ReplaySource(path: "x", speed: 0) }
    }

    @Test(arguments: [
        ("2026-03-01T12:00:00Z", 1_772_366_400), ("2026-03-01 13:00:00+01:00", 1_772_366_400),
        ("2026-03-01T12:00:00", 1_772_366_400), ("2026-03-01T07:30-0430", 1_772_366_400),
        ("2026-03-01", 1_772_323_200), ("1772366400", 1_772_366_400), ("1772366400000", 1_772_366_400),
        ("1772366400.25", 1_772_366_400.25), ("1772366400250", 1_772_366_400.25),
        ("2026-03-01T12:00:00,25Z", 1_772_366_400.25), ("1969-12-31T23:59:59Z", -1),
        ("2024-02-29T00:00:00Z", 1_709_164_800),
    ])
    func timesThatAreRead(text: String, seconds: Double) throws {
        let time = try #require(RecordedTime.parse(text))
        #expect(abs(time.timeIntervalSince1970 - seconds) < 0.000_01)
    }

    @Test(arguments: [
        "", "noon", "2026-13-01", "2026-02-29", "2026-03-01T25:00", "2026-03-01T12:00:00X", "2026-3-1", "nan",
        "2026-03-01T12:00:00.", "2026-03-01T12:00:00+",
    ])
    func timesThatAreNotRead(text: String) {
        #expect(RecordedTime.parse(text) == nil)
    }

    @Test func aReadingThatWasWaitedForInVainIsNotLost() async throws {
        let text = "time,value\n2026-03-01T12:00:00Z,1\n2026-03-01T12:00:05Z,2\n2026-03-01T12:00:06Z,3\n"
        try await withFile(text) { path in
            var source = try ReplaySource(path: path)
            _ = try await source.next(after: noon)
            // A command that changes the interval ends the wait; the question is asked again.
            #expect(try await source.nextDelay(after: noon) == .seconds(5))
            #expect(try await source.nextDelay(after: noon) == .seconds(5))
            #expect(try await source.read(at: noon)?.values == ["value": 2.0])
            #expect(try await source.read(at: noon)?.values == ["value": 3.0])
            #expect(try await source.nextDelay(after: noon) == nil)
            #expect(try await source.read(at: noon) == nil)
        }
    }
}
