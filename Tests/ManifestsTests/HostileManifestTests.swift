import Components
import Manifests
import Testing

@Suite("Hostile group files")
struct HostileManifestTests {
    func errors(_ text: String) -> [String] {
        do {
            _ = try GroupManifest.parseAll(text, fileName: "h")
            return []
        } catch {
            return error.errors.map(\.description)
        }
    }

    @Test("that are too large are refused before they are read")
    func size() {
        let text = "kind: Group\n#" + String(repeating: "x", count: 1 << 20)
        #expect(errors(text) == ["h:1:1: the file has 1048589 bytes; a manifest has at most 1048576 (1 MiB)"])
    }

    @Test(
        "that are empty or nothing but comments are refused",
        arguments: ["", "\n\n", "# nothing\n", "---\n---\n"])
    func empty(text: String) {
        #expect(errors(text) == ["h:1:1: the file is empty; write a manifest, such as kind: Group"])
    }

    /// Ways to nest, so that a failure names the way and does not print the text.
    enum Nesting: CaseIterable {
        case lists, mappings, blockLists, blockKeys, closedLists, indentation

        var text: String {
            switch self {
            case .lists: String(repeating: "[", count: 200_000)
            case .mappings: String(repeating: "{a: ", count: 200_000)
            case .blockLists: String(repeating: "- ", count: 200_000) + "a"
            case .blockKeys: String(repeating: "? ", count: 200_000) + "a"
            case .closedLists: String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
            case .indentation: (0..<900).map { String(repeating: " ", count: $0) + "a:\n" }.joined()
            }
        }
    }

    @Test("that nest too deeply are refused, however they do it", arguments: Nesting.allCases)
    func depth(nesting: Nesting) {
        let found = errors(nesting.text)
        #expect(found.count == 1)
        #expect(found.first?.contains("nesting is too deep") == true)
    }

    /// Written out, it would have more values than any time allows.
    @Test("that repeat themselves through aliases are refused unexpanded", .timeLimit(.minutes(5)))
    func aliases() {
        var bomb = "a0: &a0 [x, x]\n"
        for level in 1...60 { bomb += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
        bomb += "? *a60\n: x\n"
        #expect(
            errors(bomb) == [
                "h:2:10: anchors and aliases (&name, *name) are not allowed; write the value again"
            ])
    }

    @Test("that have an alias behind quotes or comments are refused too")
    func hiddenAliases() {
        #expect(errors("kind: &k Group\nname: \" # \"\ncores: [*k]\n").count == 1)
        #expect(errors("a: &b-1 x\n\"c\":*b-1\n").count == 1)
    }

    @Test("with a star or an ampersand that is no alias are read")
    func noAliases() throws {
        let text = """
            kind: Group # see *this* & that
            name: g
            cores: [c]
            subscriptions: [{from: thing:*, topic: "R&D/*x", to: cloud}]
            """
        #expect(try GroupManifest.parse(text, fileName: "h").subscriptions[0].topicFilter == "R&D/*x")
    }

    @Test("that begin with a byte order mark are read, and places are counted without it")
    func byteOrderMark() throws {
        #expect(errors("\u{FEFF}kind: Group\nname: g\ncores: [c]\n") == [])
        #expect(errors("\u{FEFF}kind: Grop\n").first?.hasPrefix("h:1:7: ") == true)
    }

    @Test(
        "with a key that is there twice are refused",
        arguments: ["name: a\nname: b", "{name: a, \"name\": b}"])
    func duplicateKeys(text: String) {
        #expect(errors(text).count == 1)
        #expect(errors(text).first?.contains("the key \"name\" is there twice") == true)
    }

    @Test("with keys that are no texts are refused")
    func strangeKeys() {
        #expect(
            errors("kind: Group\nname: g\ncores: [c]\n[a, b]: c\n").first?.contains("a key has to be a text")
                == true)
        #expect(
            errors("kind: Group\nname: g\ncores: [c]\n1: c\n").first?.contains("has no key \"1\"") == true)
    }

    @Test("that are not YAML are refused with the place")
    func syntax() {
        #expect(errors("kind: Group\nname: [a\n").first?.hasPrefix("h:3:1: this is not YAML") == true)
        #expect(errors("kind: Group\n\tname: a\n").first?.hasPrefix("h:2:1: this is not YAML") == true)
        #expect(errors("kind: \"Group\n").first?.contains("this is not YAML") == true)
        #expect(
            errors("kind: Gro\u{1}up\n").first?.hasPrefix("h:1:10: this character is not allowed") == true)
    }

    @Test("with tags that ask for other types are refused or read as text, never run")
    func tags() {
        #expect(errors("kind: Group\nname: !!binary aGVsbG8=\ncores: [c]\n").count == 1)
        #expect(errors("kind: Group\nname: g\ncores: !!set {c}\n").count >= 1)
    }

    @Test("with more than 1,000 documents are refused")
    func documents() {
        let text = String(repeating: "---\na\n", count: 1_001)
        #expect(errors(text) == ["h:2002:1: the file has more than 1000 documents; split it"])
    }

    @Test("with very many errors list 200 of them")
    func manyErrors() {
        let text = "kind: Group\nname: g\ncores: [c]\n" + (0..<5_000).map { "k\($0): x\n" }.joined()
        #expect(errors(text).count == 200)
    }

    @Test("that were damaged anywhere are read or refused, and never more", arguments: 0..<8)
    func damage(seed: UInt64) {
        var random = SplitMix(state: seed)
        let original = Array(GroupManifestTests.pressHall.utf8)
        let alphabet = Array("{}[]:,&*!|>'\"%@`#-? \n\tab0\\\u{feff}".utf8) + [0, 0xFF, 0x80]
        for _ in 0..<400 {
            var bytes = original
            for _ in 0...Int.random(in: 0..<6, using: &random) {
                let index = Int.random(in: bytes.indices, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[index] = alphabet.randomElement(using: &random) ?? 0
                case 1: bytes.insert(alphabet.randomElement(using: &random) ?? 0, at: index)
                default: bytes.removeSubrange(index..<min(bytes.count, index + 9))
                }
            }
            for error in errors(String(decoding: bytes, as: UTF8.self)) {
                #expect(error.hasPrefix("h:"))
                #expect(!error.contains("\n"))
            }
        }
    }
}

/// A small seeded generator (SplitMix64), so that a failure can be repeated.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
