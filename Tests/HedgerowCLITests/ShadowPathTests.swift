import Testing

@testable import HedgerowCLI

@Suite("Places in shadows")
struct ShadowPathTests {
    @Test("are read as they are written, keys with dots in quotes")
    func roundTrip() {
        for keys in [
            ["desired", "fan"], ["a"], ["reported", "room.air", "x"], ["a", "", "b"],
            ["q\"q", "b\\", "c d", "e=f"],
        ] {
            let path = ShadowPath(keys)
            #expect(ShadowPath(parsing: path.description) == path, "\(path)")
        }
        #expect(ShadowPath(["reported", "room.air"]).description == #"reported."room.air""#)
        for text in ["", ".", "a.", ".a", "a..b", #""a"#, #""a"b"#, #"a"b""#] {
            #expect(ShadowPath(parsing: text) == nil, "\(text)")
        }
    }

    @Test("are split from values at the first equals sign outside of quotes")
    func splitting() {
        let split = ShadowPath.split(#"desired."a=b".c=d=e"#)
        #expect(split?.place == ShadowPath(["desired", "a=b", "c"]) && split?.rest == "d=e")
        #expect(ShadowPath.split("desired.a=")?.rest == "")
        #expect(ShadowPath.split("desired.a") == nil && ShadowPath.split("=1") == nil)
    }

    @Test("say where two states differ; one and 1.0 are the same, arrays are values, {} is one")
    func differences() throws {
        func changes(_ before: String, _ after: String) -> [String] {
            ShadowDifference.lines(
                ShadowDifference.changes(from: ShadowJSON.parse(before), to: ShadowJSON.parse(after)),
                coloured: false)
        }
        #expect(changes(#"{"a": 1, "b": [1, 2]}"#, #"{"a": 1.0, "b": [2, 1]}"#) == ["~ b: [1,2] → [2,1]"])
        #expect(changes(#"{"a": 1}"#, #"{"a": {"b": {}}}"#) == ["- a: 1", "+ a.b: {}"])
        #expect(changes(#"{"a": "1"}"#, #"{"a": "1"}"#).isEmpty)
        #expect(
            changes(#"{}"#, #"{"a": "x\u001b[31m"}"#).allSatisfy { !$0.contains("\u{1B}") })
    }
}
