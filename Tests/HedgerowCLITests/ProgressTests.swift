import Foundation
import Synchronization
import TestSupport
import Testing

@testable import HedgerowCLI

@Suite("Progress and colour", .timeLimit(.minutes(2)))
struct ProgressTests {
    /// An exchange with a terminal, ready for a command line.
    func terminal(
        _ environment: [String: String] = [:], arguments: [String] = [], piped: Bool = false,
        error: Bool = true
    ) -> (captured: CapturedIO, io: CommandIO) {
        let captured = CommandIO.captured(environment: environment)
        var io = captured.io
        io.outputIsTerminal = !piped
        io.errorIsTerminal = error
        io.outputIsPiped = piped
        io.errorWidth = { 60 }
        io.time = ProgressTime(SteppingClock())
        return (captured, io.prepared(for: arguments))
    }

    /// Shows a progress until it has said something (or a second of real time has passed on another clock).
    func wait(_ text: String, _ io: CommandIO, until holds: @escaping @Sendable () -> Bool) async throws {
        try await CommandIO.$current.withValue(io) {
            try await Progress.show(text) { _ in
                try await eventually("progress is shown", holds: { holds() })
            }
        }
    }

    @Test("is shown after a second, counts seconds, and leaves nothing behind")
    func shown() async throws {
        let (captured, io) = terminal()
        try await wait("waiting for core pi-1", io) { captured.error.contains("... 3 s") }
        #expect(captured.output.isEmpty)
        let pictures = captured.error.components(separatedBy: "\r\u{1B}[K")
        #expect(pictures.first?.isEmpty == true)
        #expect(
            pictures[1] == "\u{1B}[2m/ waiting for core pi-1 ... 1 s\u{1B}[0m",
            "no sooner than after a second")
        #expect(pictures.last?.isEmpty == true, "erased in the end")
    }

    @Test("is cut to the width of the terminal")
    func width() async throws {
        let (captured, io) = terminal(["NO_COLOR": "1"])
        try await wait(String(repeating: "x", count: 200), io) { captured.error.contains("... 1 s") }
        for picture in captured.error.components(separatedBy: "\r\u{1B}[K") { #expect(picture.count < 60) }
        #expect(!captured.error.contains("\u{1B}[2m"), "NO_COLOR is about colour, and is obeyed")
    }

    @Test(
        "is not shown where nobody sees it",
        arguments: [
            ([:], false, false), (["TERM": "dumb"], false, true), ([:], true, true),
        ] as [([String: String], Bool, Bool)])
    func hidden(environment: [String: String], piped: Bool, error: Bool) async throws {
        let (captured, io) = terminal(environment, piped: piped, error: error)
        #expect(io.status == nil)
        try await CommandIO.$current.withValue(io) {
            try await Progress.show("waiting") { progress in progress.say("still") }
        }
        #expect(captured.error.isEmpty)
    }

    @Test("makes room for lines, and waits for a second after each")
    func room() async throws {
        let (captured, io) = terminal(["NO_COLOR": "x"])
        try await CommandIO.$current.withValue(io) {
            try await Progress.show("waiting") { progress in
                try await eventually("it is shown", holds: { captured.error.hasSuffix("1 s") })
                io.note("a line")
                #expect(captured.error.hasSuffix("\r\u{1B}[Ka line\n"), "\(captured.error)")
                progress.say("waiting, 5 rows so far")
                try await eventually(
                    "it is shown again", holds: { captured.error.contains("5 rows so far ...") })
                try io.writeOutput("[")
                let before = captured.error
                #expect(before.hasSuffix("\r\u{1B}[K"))
                for _ in 0..<200 { await Task.yield() }
                #expect(captured.error == before, "a line that was begun is not written over")
                try io.writeOutput("]\n")
                try await eventually("it comes back", holds: { captured.error.count > before.count })
            }
        }
        #expect(captured.output == "[]\n")
    }

    @Test("shows rows above the line, and erases all of them before anything else is written")
    func rows() async throws {
        let (captured, io) = terminal(["NO_COLOR": "1"])
        try await CommandIO.$current.withValue(io) {
            try await Progress.show("two cores") { progress in
                progress.say("two cores", rows: ["pi-1  IN_PROGRESS  fetching", "pi-2  PENDING"])
                try await eventually("rows", holds: { captured.error.contains("two cores ... 2 s") })
                let drawn = try #require(captured.error.components(separatedBy: "\u{1B}[J").last)
                let lines = drawn.split(separator: "\n")
                #expect(lines.prefix(2) == ["pi-1  IN_PROGRESS  fetching", "pi-2  PENDING"])
                #expect(lines.count == 3)
                io.note("pi-1  SUCCEEDED")
                #expect(captured.error.contains("\u{1B}[2A\r\u{1B}[Jpi-1  SUCCEEDED\n"))
                progress.say("one core", rows: [])
                try await eventually("no rows", holds: { captured.error.contains("one core ... ") })
            }
        }
        #expect(captured.error.hasSuffix("\r\u{1B}[K"), "one line is left to be erased in the end")
    }

    @Test("shows the inner of two, and the outer again")
    func nested() async throws {
        let (captured, io) = terminal(["NO_COLOR": "1"])
        try await CommandIO.$current.withValue(io) {
            try await Progress.show("outer") { _ in
                try await Progress.showByDefault("nobody sees this") {
                    try await Progress.show("inner") { _ in
                        try await eventually("inner", holds: { captured.error.contains("inner ... 1 s") })
                    }
                }
                #expect(!captured.error.contains("nobody"))
                try await eventually("outer", holds: { captured.error.contains("outer ... ") })
            }
        }
    }

    @Test("follows --color before NO_COLOR, and NO_COLOR before the terminal")
    func colour() {
        func coloured(_ arguments: [String], _ environment: [String: String] = [:], terminal: Bool = true)
            -> Bool
        {
            var io = CommandIO.captured(environment: environment).io
            io.outputIsTerminal = terminal
            return io.prepared(for: arguments).isColoured
        }
        #expect(coloured([]))
        #expect(!coloured([], terminal: false))
        #expect(!coloured([], ["NO_COLOR": "0"]), "any value")
        #expect(coloured([], ["NO_COLOR": ""]), "but the empty one")
        #expect(!coloured([], ["TERM": "dumb"]))
        #expect(coloured(["things", "list", "--color", "always"], ["NO_COLOR": "1"], terminal: false))
        #expect(!coloured(["--color=never", "things", "list"]))
        #expect(!coloured(["publish", "--", "--color", "always"], terminal: false))
    }

    @Test("refuses other colours, and colours status words where it is told to")
    func colourOption() async throws {
        let wrong = CommandIO.captured()
        #expect(await wrong.run("context", "list", "--color", "blue") == 2)
        try await CommandTests().asOperator { person in
            let coloured = await person.run("deployments", "list", "--color", "always")
            #expect(coloured.output.contains("\u{1B}[2mCANCELED\u{1B}[0m"))
            let plain = await person.run("--color", "never", "deployments", "list")
            #expect(plain.output.contains("CANCELED"))
            #expect(!plain.output.contains("\u{1B}"))
            let json = await person.run("deployments", "list", "-o", "json", "--color", "always")
            #expect(!json.output.contains("\u{1B}"))
        }
    }
}
