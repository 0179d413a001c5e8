import Foundation
import TestSupport
import Testing

@testable import HedgerowCLI

/// Which files a group needs, and what is said where they are wrong.
@Suite struct DevFilesTests {
    private static let zero = String(repeating: "0", count: 64)

    /// A directory with files, read as `hedgerow dev` does.
    private struct Place {
        let path: String

        func write(_ name: String, _ text: String) throws {
            let url = URL(fileURLWithPath: "\(path)/\(name)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }

        func reader(_ recipes: String...) -> DevReader {
            DevReader(
                group: "\(path)/group.yaml", recipes: recipes.map { "\(path)/\($0)" },
                search: DevSearch(state: DevSearch.absolute("\(path)/.hedgerow-dev")))
        }
    }

    private func withPlace(_ body: (Place) async throws -> Void) async throws {
        try await withTemporaryDirectory { try await body(Place(path: $0)) }
    }

    private static let group = """
        kind: Group
        name: hall
        cores: [pi-1, pi-2]
        things: [press-1]
        components:
          - {name: relay, version: ^1.0}
        subscriptions:
          - {from: component:relay, topic: out, to: cloud}

        """

    private static func recipe(_ name: String = "relay", artifact: String? = nil, extra: String = "")
        -> String
    {
        let artifacts = artifact.map { "artifacts: [{name: \($0), sha256: \(zero), size: 1}]\n" } ?? ""
        return """
            kind: Component
            name: \(name)
            version: 1.0.0
            process: {run: [sh, main.sh]}
            \(artifacts)\(extra)
            """
    }

    private static func names(_ files: DevFiles, below place: Place) -> [String] {
        files.manifests.files.map { String($0.name.dropFirst(place.path.count + 1)) }
    }

    private func mistake(_ reader: DevReader) async throws -> CLIError {
        var reader = reader
        do {
            _ = try await reader.read()
        } catch let error as CLIError {
            return error
        }
        throw DidNotHappen(description: "an error")
    }

    @Test("a recipe is found below the group's directory, with what it depends on; others are left alone")
    func finds() async throws {
        try await withPlace { place in
            try place.write("group.yaml", Self.group)
            try place.write("a/relay.yaml", Self.recipe(extra: "dependencies: {base: ^1.0}\n"))
            try place.write(
                "a/b/base.json",
                #"{"kind": "Component", "name": "base", "version": "1.0.0", "process": {"run": "true"}}"#)
            try place.write("other.yaml", Self.recipe("other"))
            try place.write("broken.yaml", "kind: Component\nname: third\nversion: x\n")
            try place.write("hidden/.git/relay.yaml", Self.recipe())
            try place.write(".hedgerow-dev/relay.yaml", Self.recipe())
            try place.write("a/b/c/relay.yaml", Self.recipe())
            var reader = place.reader()
            let files = try await reader.read()
            #expect(Self.names(files, below: place) == ["group.yaml", "a/b/base.json", "a/relay.yaml"])
            #expect(files.core == "pi-1")
            #expect(files.undescribed.things == ["press-1"])
            #expect(files.undescribed.cores == ["pi-1", "pi-2"])
            #expect(files.programs == ["base", "relay"])
            #expect(!files.isCut)
        }
    }

    @Test("files that are given come before the group's own, and those before found ones")
    func order() async throws {
        try await withPlace { place in
            try place.write("relay.yaml", Self.recipe())
            try place.write("group.yaml", Self.group + "---\n" + Self.recipe())
            var own = place.reader()
            #expect(Self.names(try await own.read(), below: place) == ["group.yaml"])
            try place.write("group.yaml", Self.group)
            try place.write("x/y/z/given.yaml", Self.recipe())
            var given = place.reader("x/y/z/given.yaml")
            #expect(Self.names(try await given.read(), below: place) == ["x/y/z/given.yaml", "group.yaml"])
        }
    }

    @Test("the digest of an artifact is that of the file on disk, whatever the recipe says")
    func artifacts() async throws {
        try await withPlace { place in
            try place.write("group.yaml", Self.group)
            try place.write("relay/recipe.yaml", Self.recipe(artifact: "main.sh"))
            let missing = try await mistake(place.reader())
            #expect(missing.status == .wrongUse)
            #expect(missing.description.contains("there is no file \(place.path)/relay/main.sh"))

            try place.write("relay/main.sh", "echo one\n")
            var reader = place.reader()
            let first = try await reader.read()
            #expect(first.artifacts.map(\.name) == ["main.sh"])
            #expect(!first.manifests.files[1].text.contains(Self.zero))
            #expect(first.manifests.files[1].text.contains("size: 9"))
            // It is watched, and another content is another recipe.
            #expect(reader.look()["\(place.path)/relay/main.sh"] != nil)
            try place.write("relay/main.sh", "echo two, longer\n")
            let second = try await reader.read()
            #expect(second.manifests.files[1].text != first.manifests.files[1].text)
            #expect(second.artifacts != first.artifacts)
        }
    }

    @Test("a mistake is said with its place, also in a file that was found and used before")
    func mistakes() async throws {
        try await withPlace { place in
            try place.write("group.yaml", Self.group)
            let absent = try await mistake(place.reader())
            #expect(absent.description.hasPrefix("\(place.path)/group.yaml:6:"))
            #expect(absent.description.contains("no recipe of the component \"relay\" is here"))

            try place.write("recipe.yaml", Self.recipe())
            var reader = place.reader()
            _ = try await reader.read()
            // Not even its name is left.
            try place.write("recipe.yaml", "kind: Component\nnam: [relay\n")
            #expect(try await mistake(reader).description.contains("\(place.path)/recipe.yaml:"))
            // A reader that never saw it knows it by its name.
            try place.write("recipe.yaml", Self.recipe(extra: "wrong: 1\n"))
            let unknown = try await mistake(place.reader())
            #expect(unknown.description.contains("recipe.yaml:5:1: "))
            #expect(unknown.status == .wrongUse)
        }
    }

    @Test("no file, no core, two groups, a group among the recipes, one version twice: a sentence each")
    func refusals() async throws {
        try await withPlace { place in
            #expect(try await mistake(place.reader()).description.contains("group.yaml cannot be read"))
            try place.write("group.yaml", "kind: Group\nname: g\ncores: []\n")
            #expect(try await mistake(place.reader()).description.contains("a group needs at least one core"))
            try place.write(
                "group.yaml", "kind: Group\nname: g\ncores: [a]\n---\nkind: Group\nname: h\ncores: [b]\n")
            #expect(try await mistake(place.reader()).description.contains("holds 2 groups"))
            try place.write("group.yaml", "kind: Group\nname: g\ncores: [a]\n")
            try place.write("more.yaml", "kind: Group\nname: h\ncores: [b]\n")
            #expect(
                try await mistake(place.reader("more.yaml")).description.contains("holds the group \"h\""))
            try place.write("group.yaml", Self.group)
            try place.write("a.yaml", Self.recipe())
            try place.write("b.yaml", Self.recipe())
            #expect(try await mistake(place.reader()).description.contains("is described at"))
        }
    }

    @Test("at most so many files are looked at, and that is said")
    func bounded() async throws {
        try await withPlace { place in
            for number in 0...DevSearch.files { try place.write("m/\(number).yaml", "x") }
            let search = DevSearch(state: "")
            let (paths, isCut) = search.manifests(below: place.path)
            #expect(paths.count == DevSearch.files)
            #expect(isCut)
            try FileManager.default.removeItem(atPath: "\(place.path)/m/0.yaml")
            #expect(!search.manifests(below: place.path).isCut)
        }
    }
}
