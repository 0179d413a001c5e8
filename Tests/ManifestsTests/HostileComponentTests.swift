import Manifests
import Testing

@Suite("Hostile component files", .timeLimit(.minutes(5)))
struct HostileComponentTests {
    static let head = "kind: Component\nname: c\nversion: 1.0.0\ntransform:\n"

    /// The errors; the suite's time limit is for those that would take for ever.
    func errors(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) -> [String] {
        do {
            _ = try ComponentManifest.parse(text, fileName: "h")
            return []
        } catch {
            #expect(!error.errors.isEmpty, sourceLocation: sourceLocation)
            return error.errors.map(\.description)
        }
    }

    @Test("that are too large are refused before they are read")
    func size() {
        let text = Self.head + "- publish: x\n#" + String(repeating: "x", count: 256 << 10)
        #expect(
            errors(text) == [
                "h:1:1: the file has \(text.utf8.count) bytes; a recipe has at most 262144 (256 KiB)"
            ])
    }

    @Test(
        "with 64 KiB of parentheses are refused, wherever they are",
        arguments: [
            "- where: '%'\n", "- where: %\n", "%", "- publish: {topic: \"%\"}\n", "- where: |\n    %\n",
        ])
    func parentheses(frame: String) {
        let text =
            Self.head + frame.replacing("%", with: String(repeating: "(", count: 64 << 10)) + "- publish: x\n"
        let found = errors(text)
        #expect(!found.isEmpty)
        #expect(found.allSatisfy { $0.utf8.count < 1_000 })
    }

    @Test("with an expression that nests as deeply as its size allows are refused")
    func depth() {
        for (open, close) in [
            ("(", ")"), ("[", "]"), ("-", ""), ("!", ""), ("{1:", "}"), ("true?", ":1"), ("size(", ")"),
        ] {
            let count = 4_000 / max(1, open.utf8.count + close.utf8.count)
            let text = String(repeating: open, count: count) + "1" + String(repeating: close, count: count)
            let found = errors(Self.head + "- where: '\(text)'\n- publish: x\n")
            #expect(found.count >= 1, "\(open)")
            #expect(found.allSatisfy { $0.utf8.count < 1_000 })
        }
    }

    @Test("with deep YAML are refused")
    func deepYAML() {
        for text in [
            Self.head + String(repeating: "- ", count: 60_000) + "a",
            Self.head + "- set: " + String(repeating: "{a: ", count: 60_000),
            "kind: Component\ninput: " + String(repeating: "[", count: 200_000),
        ] {
            #expect(errors(text).first?.contains("nesting is too deep") == true)
        }
    }

    @Test("with a bomb of aliases are refused")
    func aliases() {
        var text = "kind: Component\nname: c\nversion: 1.0.0\ntransform:\n- set: &a0 {a: '1.0'}\n"
        for level in 1...60 { text += "- &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
        #expect(
            errors(text) == [
                "h:6:8: anchors and aliases (&name, *name) are not allowed; write the value again"
            ])
    }

    @Test("with 10,000 steps, fields or names are refused with few errors")
    func counts() {
        let steps = errors(Self.head + String(repeating: "- publish: x\n", count: 10_000))
        #expect(steps == ["h:69:3: 10000 steps are too many; a transform has at most 64"])
        let fields = (0..<10_000).map { "f\($0): '1.0'" }.joined(separator: ", ")
        #expect(errors(Self.head + "- set: {\(fields)}\n- publish: x\n").count == 1)
        #expect(errors(Self.head + "- let: {\(fields)}\n- publish: x\n").count == 1)
        let names = (0..<10_000).map { "f\($0)" }.joined(separator: ", ")
        #expect(errors(Self.head + "- keep: [\(names)]\n- publish: x\n").count == 1)
        let input = (0..<10_000).map { "f\($0): double" }.joined(separator: ", ")
        #expect(errors("input: {\(input)}\n" + Self.head + "- publish: x\n").count == 1)
    }

    @Test("with thousands of wrong expressions list at most 200 errors, soon")
    func manyErrors() {
        let fields = (0..<250).map { "f\($0): 'wrong + reading.x('" }.joined(separator: ", ")
        let text = Self.head + String(repeating: "- set: {\(fields)}\n", count: 30) + "- publish: x\n"
        let found = errors(text)
        #expect(found.count >= 50)
        #expect(found.count <= 200)
    }

    @Test("with bytes that no text has are refused with their place", arguments: ["\0", "\u{1}", "\u{FFFE}"])
    func controlCharacters(character: String) {
        for text in [
            "kind: Comp\(character)onent\n", Self.head + "- where: 'a\(character)b'\n- publish: x\n",
            Self.head + "- publish: x\n\(character)",
        ] {
            let found = errors(text)
            #expect(found.count == 1)
            #expect(found.first?.contains("not allowed") == true, "\(found)")
        }
    }

    @Test("with control characters in escapes are refused, and do not reach the message")
    func escapes() {
        for text in [
            Self.head + "- publish: \"a\\0b\"\n",
            Self.head + "- set: {\"a\\n\\e[31m\": '1.0'}\n- publish: x\n",
            Self.head + "- \"a\\nb\": x\n", Self.head + "- let: {\"a\\nb\": '1.0'}\n- publish: x\n",
            "kind: \"a\\nb\"\n", Self.head + "- set: {a: {value: '1.0', unit: \"a\\nb\"}}\n- publish: x\n",
        ] {
            let found = errors(text)
            #expect(found.count >= 1)
            #expect(found.allSatisfy { !$0.contains("\n") }, "\(found)")
        }
    }

    @Test("that were damaged anywhere are read or refused, and never more", arguments: 0..<8)
    func damage(seed: UInt64) {
        var state = seed
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let original = Array(ComponentManifestTests.compensate.utf8)
        let alphabet = Array("{}[]()!:,&*|>'\"%@`#-? \n\tab0.\\\u{feff}".utf8) + [0, 0xFF, 0x80]
        for _ in 0..<300 {
            var bytes = original
            for _ in 0...random(6) {
                let index = random(bytes.count)
                switch random(3) {
                case 0: bytes[index] = alphabet[random(alphabet.count)]
                case 1: bytes.insert(alphabet[random(alphabet.count)], at: index)
                default: bytes.removeSubrange(index..<min(bytes.count, index + 9))
                }
            }
            for error in errors(String(decoding: bytes, as: UTF8.self)) {
                #expect(error.hasPrefix("h:"))
                #expect(error.split(separator: "\n", omittingEmptySubsequences: false).count <= 3)
            }
        }
    }
}
