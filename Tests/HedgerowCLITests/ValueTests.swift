import ArgumentParser
import HedgerowAPI
import Testing

@testable import HedgerowCLI

@Suite("Values on the command line")
struct ValueTests {
    @Test(
        "have the type that they look like",
        arguments: [
            ("t=21.4", .doubleValue(21.4)), ("n=21", .integerValue(21)), ("n=-3", .integerValue(-3)),
            ("d=2e3", .doubleValue(2_000)), ("on=true", .boolValue(true)), ("on=false", .boolValue(false)),
            ("s=True", .stringValue("True")), ("s=", .stringValue("")), ("s=a=b", .stringValue("a=b")),
            ("s=nan", .stringValue("nan")), ("s=inf", .stringValue("inf")),
            ("s=1e999", .stringValue("1e999")),
            ("s=9223372036854775808", .doubleValue(9_223_372_036_854_775_808)),
            ("s=1,5", .stringValue("1,5")),
        ] as [(String, Hedgerow_Type_V1_Value.OneOf_Kind)])
    func types(argument: String, kind: Hedgerow_Type_V1_Value.OneOf_Kind) throws {
        let (name, value) = try #require(ValueText.parse(argument))
        #expect(value.kind == kind)
        #expect(argument.hasPrefix(name + "="))
    }

    @Test("are texts where that is asked for")
    func texts() throws {
        #expect(try #require(ValueText.parseText("zip=01234")).value.kind == .stringValue("01234"))
    }

    @Test(
        "are refused without a name", arguments: ["", "x", "=1", String(repeating: "n", count: 129) + "=1"])
    func refused(argument: String) {
        #expect(ValueText.parse(argument) == nil)
    }

    @Test("make a reading of what --value and --text say")
    func reading() async throws {
        let command = try PublishCommand.parse([
            "lamp/set", "--value", "on=true", "--value", "level=3", "--text", "code=007",
        ])
        guard case .reading(let reading) = try await command.content(.captured().io) else {
            Issue.record("not a reading")
            return
        }
        #expect(reading.values["on"]?.boolValue == true)
        #expect(reading.values["level"]?.integerValue == 3)
        #expect(reading.values["code"]?.stringValue == "007")
        let twice = try PublishCommand.parse(["a", "--value", "x=1", "--text", "x=2"])
        await #expect(throws: CLIError.self) { try await twice.content(.captured().io) }
    }

    @Test("make a payload of a text, a file or standard input")
    func payload() async throws {
        let io = CommandIO.captured(input: "from stdin").io
        let text = try PublishCommand.parse(["a", "--payload", "hello"])
        guard case .payload(let plain) = try await text.content(io) else {
            throw CLIError(.failure, "no payload")
        }
        #expect(plain.contentType == "text/plain; charset=utf-8")
        #expect(String(decoding: plain.data, as: UTF8.self) == "hello")
        let input = try PublishCommand.parse(["a", "--payload", "@-", "--content-type", "x/y"])
        guard case .payload(let piped) = try await input.content(io) else {
            throw CLIError(.failure, "no payload")
        }
        #expect(piped.contentType == "x/y")
        #expect(String(decoding: piped.data, as: UTF8.self) == "from stdin")
        let missing = try PublishCommand.parse(["a", "--payload", "@/nowhere/at/all"])
        let error = await #expect(throws: CLIError.self) { try await missing.content(io) }
        #expect(error?.status == .wrongUse)
    }
}
