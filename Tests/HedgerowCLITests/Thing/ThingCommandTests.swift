import ArgumentParser
import Foundation
import HedgerowAPI
import Testing
import ThingClient

@testable import HedgerowCLI

@Suite("hedgerow thing")
struct ThingCommandTests {
    private func command(_ text: String) -> [ThingInstruction] {
        ThingInstruction.read(payload: Data(text.utf8))
    }

    @Test func commandsAreJSONObjectsOrWords() {
        #expect(command(#"{"interval": 5}"#) == [.interval(.seconds(5))])
        #expect(command(#"{"interval": "0.5"}"#) == [.interval(.seconds(0.5))])
        #expect(command(#"{"pause": true}"#) == [.pause])
        #expect(command(#"{"pause": false}"#) == [.resume])
        #expect(command(#"{"command": "resume"}"#) == [.resume])
        #expect(command(#""identify""#) == [.identify])
        #expect(command("pause\n") == [.pause])
        #expect(command(#"{"identify": true, "interval": 1}"#) == [.identify, .interval(.seconds(1))])
    }

    @Test(arguments: [
        #"{"interval": 0}"#, #"{"interval": 1e9}"#, #"{"interval": true}"#, #"{"reboot": true}"#, "[1]", "{",
        "",
    ])
    func whatIsNotUnderstoodIsSaid(text: String) {
        let instructions = command(text)
        #expect(instructions.count == 1)
        guard case .unknown = instructions.first else {
            Issue.record("understood as \(instructions)")
            return
        }
    }

    @Test func readingsCommandToo() {
        #expect(
            ThingInstruction.read(values: ["interval": 2, "pause": true]) == [.interval(.seconds(2)), .pause])
    }

    @Test(arguments: [
        ["--token", "t", "--interval", "0.001"], ["--token", "t", "--qos", "2"],
        ["--token", "t", "--speed", "0"],
        ["--token", "t", "--sensor", "replay"], ["--token", "t", "--sensor", "simulated", "--file", "x.csv"],
        ["--token", "t", "--count", "0"], ["--interval", "1"],
        ["--token", "t", "--sensor", "bme680", "--file", "x.csv"],
        ["--token", "t", "--interval", "nan"], ["--token", "t", "--duration", "nan"],
        ["--token", "t", "--duration", "inf"], ["--token", "t", "--flush-timeout", "nan"],
    ])
    func optionsThatCannotWorkAreRefused(arguments: [String]) {
        #expect(throws: (any Error).self) { try ThingRunCommand.parse(arguments) }
    }

    @Test func aFileMeansAReplay() throws {
        let parsed = try ThingRunCommand.parse(["--state", "s", "--file", "x.csv", "--speed", "10", "--loop"])
        #expect(parsed.speed == 10)
        #expect(parsed.loop)
        #expect(try ThingRunCommand.parse(["--token", "t", "--interval", "0.01"]).interval == 0.01)
    }

    @Test func aLineShowsTimeTopicAndValuesWithUnits() {
        let text = ReadingPrinter.text(
            time: Date(timeIntervalSince1970: 1_772_366_400.25), topic: "t/readings",
            values: ["temperature": 21.5, "door": true], units: ["temperature": "°C"])
        #expect(text == "2026-03-01T12:00:00.250Z  t/readings  door true  temperature 21.5 °C")
    }

    @Test func eachReadingIsPrintedOnceWithItsState() async throws {
        let path = FileManager.default.temporaryDirectory.path + "/lines-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let writer = try LineWriter.appending(to: path)
        let printer = ReadingPrinter(output: writer)
        printer.rejected(4...4, reason: "noRoute")
        for sequence in 1...5 as ClosedRange<UInt64> {
            printer.published("line \(sequence)", sequence: sequence)
        }
        printer.published("volatile", sequence: 0)
        printer.acknowledged(1...2)
        printer.flush(acknowledgedThrough: 3)
        printer.flush(acknowledgedThrough: 3, all: true)
        printer.flush(acknowledgedThrough: 5, all: true)
        await writer.drain()
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(
            lines == [
                "line 4  rejected (noRoute)", "volatile  sent", "line 1  acknowledged",
                "line 2  acknowledged",
                "line 3  acknowledged", "line 5  buffered",
            ])
    }
}
