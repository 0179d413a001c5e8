import Components
import Manifests
import Testing

/// `dependencies`, `platforms` and `artifacts` of a recipe.
@Suite("Requirements of a recipe")
struct ComponentRequirementsTests {
    static let digest = String(repeating: "0123456789abcdef", count: 4)

    func parse(_ lines: String) throws -> Recipe {
        try ComponentManifest.parse(
            "kind: Component\nname: c\nversion: 1.0.0\ntransform: [{publish: x}]\n\(lines)\n",
            fileName: "c.yaml"
        ).recipe
    }

    func errors(_ lines: String) -> [String] {
        do throws(ManifestErrors) {
            _ = try ComponentManifest.parse(
                "kind: Component\nname: c\nversion: 1.0.0\ntransform: [{publish: x}]\n\(lines)\n",
                fileName: "c.yaml")
            return []
        } catch {
            return error.errors.map { "\($0.line):\($0.column): \($0.message)" }
        }
    }

    @Test("names what it depends on, hard unless said otherwise")
    func dependencies() throws {
        let recipe = try parse(
            "dependencies: {base: ^1.0, log: {version: '>=2 <4', kind: soft}, wide: {version: '*'}}")
        #expect(recipe.dependencies.map(\.component) == ["base", "log", "wide"])
        #expect(recipe.dependencies.map(\.version.description) == ["^1.0", ">=2 <4", "*"])
        #expect(recipe.dependencies.map(\.kind) == [.hard, .soft, .hard])
        #expect(try parse("description: none").dependencies.isEmpty)
    }

    @Test("names platforms and files; the first platform that matches counts")
    func platforms() throws {
        let recipe = try parse(
            """
            artifacts: [{name: model.bin, sha256: \(Self.digest), size: 7}, {name: both.txt, sha256: \(Self.digest), size: 7}]
            platforms:
              - {os: linux, architecture: aarch64, camera: '*', artifacts: [{name: model.bin, sha256: \(Self.digest.reversed().map(String.init).joined()), size: 9}]}
              - {os: linux}
            """)
        let pi = Platform(os: "linux", architecture: "aarch64")
        let pc = Platform(os: "linux", architecture: "x86_64")
        let mac = Platform(os: "macos", architecture: "aarch64")
        #expect(recipe.artifacts(on: pi).map(\.name) == ["both.txt", "model.bin"])
        #expect(recipe.artifacts(on: pi).map(\.size) == [7, 9])
        #expect(recipe.artifacts(on: pc).map(\.size) == [7, 7])
        #expect(recipe.runs(on: pi) && recipe.runs(on: pc) && !recipe.runs(on: mac))
        #expect(recipe.allArtifacts.map(\.size) == [7, 9])
        #expect(recipe.artifacts[0].digest.prefix(3) == [0x01, 0x23, 0x45])
        #expect(try parse("description: everywhere").runs(on: mac))
    }

    @Test("says what is wrong, and where")
    func mistakes() {
        #expect(errors("dependencies: {c: '*'}") == ["5:16: \"c\" depends on itself; remove the dependency"])
        #expect(
            errors("dependencies: {a: 1.0}").first?.hasPrefix("5:19: the version of \"a\" has to be a text")
                == true)
        #expect(
            errors("dependencies: {a: {version: '1', kind: weak}}").first?.contains("hard (restarts with it)")
                == true)
        #expect(errors("dependencies: {a: {kind: soft}}") == ["5:19: a dependency lacks \"version\"; add it"])
        #expect(errors("dependencies: {'a b': '*'}").first?.contains("5:16: the dependency's") == true)
        #expect(errors("dependencies: [a]").first?.contains("has to be a mapping") == true)
        #expect(errors("platforms: []").first?.contains("is empty") == true)
        #expect(errors("platforms: [{os: 7}]").first?.contains("has to be a text") == true)
        #expect(errors("platforms: [{os: linux, artifact: []}]").first?.contains("has to be a text") == true)
        #expect(
            errors("artifacts: [{name: a, sha256: ab, size: 1}]").first?.contains("64 hexadecimal digits")
                == true)
        #expect(
            errors("artifacts: [{name: a, sha256: \(Self.digest), size: -1}]").first?.contains("in bytes")
                == true)
        #expect(errors("artifacts: [{name: .., sha256: \(Self.digest), size: 1}]").count == 1)
        let twice = "{name: a, sha256: \(Self.digest), size: 1}, {name: a, sha256: \(Self.digest), size: 1}"
        #expect(errors("artifacts: [\(twice)]").first?.contains("listed twice") == true)
        let sizes = "{name: a, sha256: \(Self.digest), size: 1}, {name: b, sha256: \(Self.digest), size: 2}"
        #expect(errors("artifacts: [\(sizes)]").first?.contains("under one SHA-256") == true)
    }

    @Test("has at most 64 dependencies and files, and 32 platforms")
    func limits() {
        let names = (0..<65).map { "a\($0)" }
        #expect(
            errors("dependencies: {\(names.map { "\($0): '*'" }.joined(separator: ", "))}").first?
                .contains("65 dependencies are too many") == true)
        #expect(
            errors("platforms: [\((0..<33).map { "{os: o\($0)}" }.joined(separator: ", "))]").first?
                .contains("33 platforms are too many") == true)
        let files = names.map { "{name: \($0), sha256: \(Self.digest), size: 1}" }.joined(separator: ", ")
        #expect(errors("artifacts: [\(files)]").first?.contains("65 artifacts are too many") == true)
    }
}
