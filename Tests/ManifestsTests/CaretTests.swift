import Foundation
import Manifests
import Testing

@Suite("Errors in expressions")
struct CaretTests {
    /// The one error of a recipe, line by line. Every case has the unknown name `wrong`.
    func error(_ text: String) -> [String] {
        do {
            _ = try ComponentManifest.parse(text, fileName: "f")
            return ["none"]
        } catch {
            return error.errors.count == 1 ? error.errors[0].lines : error.errors.map(\.description)
        }
    }

    static let head = "kind: Component\nname: c\nversion: 1.0.0\ntransform:\n- publish: x\n"

    /// Checks that the caret is under the name, and that the place is the name's.
    func check(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
        let lines = error(text)
        guard lines.count == 3 else {
            Issue.record("\(lines)", sourceLocation: sourceLocation)
            return
        }
        let source = Array(lines[1])
        let marks = Array(lines[2])
        #expect(marks.count <= source.count, sourceLocation: sourceLocation)
        let marked = zip(source, marks).filter { $0.1 == "^" || $0.1 == "~" }.map(\.0)
        #expect(String(marked) == "wrong", sourceLocation: sourceLocation)
        // The line and column are those of the name in the file.
        let place = lines[0].split(separator: ":").prefix(3).compactMap { Int($0) }
        let row = text.replacing("\r\n", with: "\n").split(
            separator: "\n", omittingEmptySubsequences: false)[place[0] - 1]
        let column = row.range(of: "wrong").map {
            row.unicodeScalars.distance(from: row.startIndex, to: $0.lowerBound) + 1
        }
        #expect(column == place[1], sourceLocation: sourceLocation)
    }

    @Test("point into plain and quoted scalars")
    func flow() {
        check(Self.head + "- where: 1.0 < wrong\n- publish: y\n")
        check(Self.head + "- where: '1.0 < wrong'\n- publish: y\n")
        check(Self.head + "- where: \"1.0 < wrong\"\n- publish: y\n")
        check(Self.head + "- set: {a: '\"it''s\" + wrong', b: 1}\n- publish: y\n")
        check(Self.head + "- set: {a: \"\\\"\\u00b5\\x41\\t\\\" + wrong\"}\n- publish: y\n")
        check(Self.head + "- set: {a: {value: '2.0 * wrong', unit: K}}\n- publish: y\n")
        check(Self.head + "- publish: {topic: 'thing + wrong'}\n")
        check(Self.head + "- let: {a: !!str 1.0 + wrong}\n- publish: {topic: string(a)}\n")
    }

    @Test("point into scalars of several lines")
    func folded() {
        check(Self.head + "- where: 1.0 <\n    wrong\n- publish: y\n")
        check(Self.head + "- where: '1.0\n\n    <\n    wrong'\n- publish: y\n")
        check(Self.head + "- where: \"1.0 \\\n    < wrong\"\n- publish: y\n")
    }

    @Test("point into block scalars")
    func block() {
        check(Self.head + "- where: |\n    1.0 <\n      wrong\n- publish: y\n")
        check(Self.head + "- where: |2-\n     1.0\n    < wrong\n- publish: y\n")
        check(Self.head + "- where: >\n    1.0\n    <\n\n    wrong\n- publish: y\n")
        check(Self.head + "- where: >-   # a comment\n    1.0\n      < 2.0 ||\n    wrong\n\n- publish: y\n")
        check(Self.head + "- where: |\n\n    wrong\n")
    }

    @Test("point into JSON")
    func json() {
        check(
            """
            {"kind": "Component", "name": "c", "version": "1.0.0", "transform": [
              {"set": {"a": "\\"\\u00b5\\" + wrong"}}, {"publish": "x"}]}
            """)
    }

    @Test("point where lines end with CR LF, after a byte order mark, and behind wide characters")
    func encodings() {
        check((Self.head + "- where: >\n    1.0\n    < wrong\n- publish: y\n").replacing("\n", with: "\r\n"))
        check("\u{FEFF}" + Self.head + "- where: 1.0 < wrong\n- publish: y\n")
        #expect(
            error(Self.head + "- set: {\"温度\": 'wrong'}\n- publish: y\n").dropFirst()
                == ["    - set: {\"温度\": 'wrong'}", "                     ^~~~~"])
    }

    @Test("show a part of a line that is long")
    func longLines() {
        let sum = String(repeating: "1.0 + ", count: 500)
        let lines = error(Self.head + "- set: {a: '\(sum)wrong + \(sum)1.0'}\n- publish: y\n")
        #expect(lines.count == 3)
        #expect(lines.allSatisfy { $0.count < 200 })
        #expect(lines[1].hasPrefix("    …"))
        #expect(lines[1].hasSuffix("…"))
        let marked = zip(lines[1], lines[2]).filter { $0.1 == "^" || $0.1 == "~" }.map(\.0)
        #expect(String(marked) == "wrong")
    }

    @Test("do not let a file steer the terminal")
    func controls() {
        let lines = error(Self.head + "- where: '\"\u{202E}31m\" == wrong'\n- publish: y\n")
        #expect(lines.count == 3)
        #expect(lines.allSatisfy { !$0.unicodeScalars.contains("\u{202E}") })
    }

    @Test("are all reported at once, in the order of the file")
    func many() {
        let text =
            Self.head
            + "- where: wrong1\n- set: {a: wrong2 + wrong3}\n- let: {b: 'wrong4 +'}\n- publish: {topic: wrong5}\n"
        do {
            _ = try ComponentManifest.parse(text, fileName: "f")
            Issue.record("it was taken")
        } catch {
            #expect(error.errors.map(\.line) == [6, 7, 7, 8, 9])
        }
    }
}
