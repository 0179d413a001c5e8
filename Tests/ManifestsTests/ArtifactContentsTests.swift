import Testing

@testable import Manifests

/// Digests of files as they are, put into recipes.
@Suite struct ArtifactContentsTests {
    private static let old = String(repeating: "0", count: 64)
    private static let new = String(repeating: "ab", count: 32)

    private func replaced(_ text: String, _ names: [String]) -> String {
        ArtifactContents.replacing(
            in: text,
            with: Dictionary(
                uniqueKeysWithValues: names.map {
                    ($0, ArtifactContents.Content(digest: Self.new, size: 12_345))
                }))
    }

    @Test("digest and size of a known file are replaced, and nothing else")
    func replaces() {
        let text = """
            # Ünïcode before it: 0000
            kind: Component
            name: a
            version: 1.0.0
            process: {run: [sh, main.sh]}
            artifacts:
              - {name: main.sh, sha256: \(Self.old), size: 7}   # as it was
              - name: other.bin
                sha256: "\(Self.old)"
                size: 7

            """
        let expected = text.replacingOccurrences(
            "name: main.sh, sha256: \(Self.old), size: 7", "name: main.sh, sha256: \(Self.new), size: 12345")
        #expect(replaced(text, ["main.sh"]) == expected)
        let both = expected.replacingOccurrences(
            "sha256: \"\(Self.old)\"\n    size: 7\n", "sha256: \"\(Self.new)\"\n    size: 12345\n")
        #expect(replaced(text, ["main.sh", "other.bin"]) == both)
        #expect(replaced(text, []) == text)
        #expect(replaced(text, ["unknown"]) == text)
    }

    @Test("in files of platforms, in every document, and in JSON too")
    func everywhere() {
        let text = """
            kind: Group
            name: g
            ---
            kind: Component
            platforms:
              - {os: linux, artifacts: [{name: a, sha256: '\(Self.old)', size: 1}]}
            ---
            {"kind": "Component", "artifacts": [{"size": 1, "sha256": "\(Self.old)", "name": "a"}]}
            """
        let result = replaced(text, ["a"])
        #expect(!result.contains(Self.old))
        #expect(result.ranges(of: Self.new).count == 2)
        #expect(result.ranges(of: "12345").count == 2)
        #expect(result.contains("sha256: '\(Self.new)', size: 12345}]}\n---\n{\"kind\""))
    }

    @Test("what is no YAML stays as it is")
    func damaged() {
        let text = "artifacts: [{name: a, sha256: 00, size: 1}\n  : :"
        #expect(replaced(text, ["a"]) == text)
    }
}

extension String {
    fileprivate func replacingOccurrences(_ old: String, _ new: String) -> String {
        replacing(old, with: new)
    }
}
