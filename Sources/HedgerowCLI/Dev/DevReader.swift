import Components
import Foundation
import Manifests
import PKI
import RPCSupport

/// Finds and reads what a group needs: the group, the recipes of its components, and their artifacts.
///
/// A recipe is taken from the files given by `--recipe`, else from the group's own file, else from a manifest below the
/// group's directory.
struct DevReader: Sendable {
    /// The group's file.
    let group: String
    /// Further files, which come before others.
    let recipes: [String]
    let search: DevSearch
    /// Artifacts and found files that are in use, or were when something was wrong.
    private var artifactPaths: Set<String> = []
    private var used: Set<String> = []
    private var digests: [String: (stamp: DevStamp, file: ArtifactFile)] = [:]

    init(group: String, recipes: [String], search: DevSearch) {
        self.group = group
        self.recipes = recipes
        self.search = search
    }

    /// The directory that is searched; empty for the current one.
    var folder: String { RecipeFile.folder(of: group) }

    /// What of all files that matter, or may, says whether they were saved again. Blocks briefly.
    func look() -> [String: DevStamp] {
        DevStamp.all(
            Set([group] + recipes + search.manifests(below: folder.isEmpty ? "." : folder).paths)
                .union(artifactPaths))
    }

    // MARK: Reading

    private struct File {
        let name: String
        let text: String
        var documents: [ManifestDocument]
    }

    /// A file that was only found and has errors.
    private struct Broken {
        let name: String
        let text: String
        let errors: [ManifestError]
    }

    /// Reads everything.
    ///
    /// - Throws: ``CLIError`` with everything that is wrong, each with its place.
    mutating func read() async throws -> DevFiles {
        let own = try await file(group)
        let given = try await given()
        let (found, broken, isCut) = try await found()
        let definitions = own.documents.compactMap { document -> (ManifestDocument, GroupManifest)? in
            if case .group(let manifest) = document.content { (document, manifest) } else { nil }
        }
        guard definitions.count == 1, let (document, manifest) = definitions.first else {
            throw CLIError(
                .wrongUse, "\(group) holds \(definitions.count) groups",
                hint: "write one group into a file of its own")
        }
        let tiers = [given, [own], found]
        let needed = Self.needed(by: manifest.definition, in: tiers)
        try refuse(broken, needed: needed, in: [given, [own]])
        let missing = Self.missing(in: manifest.definition, tiers)
        if !missing.isEmpty {
            throw CLIError(.wrongUse, lines: document.locate(missing).map(\.description))
        }
        let files = Self.inUse(needed, tiers)
        used = Set(files.map(\.name))
        let (contents, artifacts) = try await artifacts(of: files, needed)
        return DevFiles(
            definition: manifest.definition, manifests: try Self.manifests(files, contents),
            artifacts: artifacts,
            isCut: isCut)
    }

    private func file(_ name: String) async throws -> File {
        let text = try await CommandIO.current.readText(name)
        do throws(ManifestErrors) {
            return File(
                name: name, text: text, documents: try ManifestDocument.parseAll(text, fileName: name))
        } catch {
            throw CLIError(.wrongUse, lines: error.errors.map(\.description))
        }
    }

    private func given() async throws -> [File] {
        var files: [File] = []
        for name in recipes {
            let file = try await file(name)
            if let other = file.documents.first(where: { $0.kind == "Group" }) {
                throw CLIError(
                    .wrongUse, "\(name) holds the group \"\(other.name)\"",
                    hint: "one group runs here: --group")
            }
            files.append(file)
        }
        return files
    }

    /// Manifests below the group's directory that may hold recipes.
    private func found() async throws -> (files: [File], broken: [Broken], isCut: Bool) {
        let known = Set(([group] + recipes).map(DevSearch.absolute))
        let (paths, isCut) = try await BlockingIO.run { [search, folder] in
            search.manifests(below: folder.isEmpty ? "." : folder)
        }
        var files: [File] = []
        var broken: [Broken] = []
        for path in paths where !known.contains(DevSearch.absolute(path)) {
            // Gone by now, too large, no text: no recipe.
            guard let text = try? await CommandIO.current.readText(path), text.contains("Component") else {
                continue
            }
            do throws(ManifestErrors) {
                let documents = try ManifestDocument.parseAll(text, fileName: path)
                // Another group's file has what that needs.
                if documents.contains(where: { $0.kind == "Group" }) { continue }
                files.append(File(name: path, text: text, documents: documents))
            } catch {
                broken.append(Broken(name: path, text: text, errors: error.errors))
            }
        }
        return (files, broken, isCut)
    }

    /// A found file with errors matters where it was in use, or seems to be of a component that nothing better gives.
    private func refuse(_ broken: [Broken], needed: Set<String>, in tiers: [[File]]) throws(CLIError) {
        let better = Set(tiers.joined().flatMap { Self.components(of: $0).map(\.recipe.name) })
        let errors = broken.filter { file in
            used.contains(file.name)
                || Self.names(in: file.text).contains { needed.contains($0) && !better.contains($0) }
        }.flatMap(\.errors)
        if !errors.isEmpty { throw CLIError(.wrongUse, lines: errors.map(\.description)) }
    }

    /// The values of all lines that seem to name something.
    static func names(in text: String) -> Set<String> {
        var names: Set<String> = []
        for match in text.matches(of: /(?m)^[ \t{]*"?name"?[ \t]*:[ \t]*["']?([A-Za-z0-9._-]+)/) {
            names.insert(String(match.output.1))
        }
        return names
    }

    // MARK: Choosing

    private static func components(of file: File) -> [ComponentManifest] {
        file.documents.compactMap { if case .component(let manifest) = $0.content { manifest } else { nil } }
    }

    /// The files that give a component: those of the first tier that has any.
    private static func files(of component: String, in tiers: [[File]]) -> [File] {
        for tier in tiers {
            let files = tier.filter { file in components(of: file).contains { $0.recipe.name == component } }
            if !files.isEmpty { return files }
        }
        return []
    }

    /// Every component that the group names, and what those depend on.
    private static func needed(by group: GroupDefinition, in tiers: [[File]]) -> Set<String> {
        var needed: Set<String> = []
        var waiting = group.components.map(\.component)
        while let name = waiting.popLast() {
            guard needed.insert(name).inserted else { continue }
            for file in files(of: name, in: tiers) {
                for manifest in components(of: file) where manifest.recipe.name == name {
                    waiting += manifest.recipe.dependencies.map(\.component)
                }
            }
        }
        return needed
    }

    private static func missing(in group: GroupDefinition, _ tiers: [[File]]) -> [DefinitionProblem] {
        group.components.enumerated().compactMap { index, instance in
            guard files(of: instance.component, in: tiers).isEmpty else { return nil }
            return DefinitionProblem(
                path: "components[\(index)]",
                message:
                    "no recipe of the component \"\(instance.component)\" is here; put it below the group's directory, or "
                    + "name its file with --recipe")
        }
    }

    /// The group's file, those that were given, and what was found of what is needed.
    private static func inUse(_ needed: Set<String>, _ tiers: [[File]]) -> [File] {
        var files = tiers[0] + tiers[1]
        for name in needed.sorted() {
            for file in Self.files(of: name, in: tiers) where !files.contains(where: { $0.name == file.name })
            {
                files.append(file)
            }
        }
        return files
    }

    // MARK: Artifacts

    /// The artifacts as they are on disk: by recipe's file and name, and all of them.
    private mutating func artifacts(
        of files: [File], _ needed: Set<String>
    ) async throws -> (contents: [String: [String: ArtifactContents.Content]], files: [ArtifactFile]) {
        var contents: [String: [String: ArtifactContents.Content]] = [:]
        var all: [[UInt8]: ArtifactFile] = [:]
        var paths: Set<String> = []
        var lines: [String] = []
        for file in files {
            let folder = RecipeFile.folder(of: file.name)
            let names = Set(
                Self.components(of: file).filter { needed.contains($0.recipe.name) }
                    .flatMap { $0.recipe.allArtifacts.map(\.name) })
            for name in names.sorted() {
                let path = folder.isEmpty ? name : folder + "/" + name
                paths.insert(path)
                guard let artifact = try await artifact(path) else {
                    lines.append(
                        "\(file.name): there is no file \(path), which the recipe names as an artifact; put it there"
                    )
                    continue
                }
                all[artifact.digest] = artifact
                contents[file.name, default: [:]][name] = ArtifactContents.Content(
                    digest: ArtifactDigest.text(artifact.digest), size: Int64(clamping: artifact.size))
            }
        }
        artifactPaths = paths
        if !lines.isEmpty { throw CLIError(.wrongUse, lines: lines) }
        return (contents, all.values.sorted { $0.path < $1.path })
    }

    /// Reads a file, unless it is as it was.
    private mutating func artifact(_ path: String) async throws -> ArtifactFile? {
        let stamp = try await BlockingIO.run { DevStamp(path: path) }
        if let stamp, let known = digests[path], known.stamp == stamp { return known.file }
        let file = try await ArtifactFile.read(path)
        digests[path] = stamp.flatMap { stamp in file.map { (stamp, $0) } }
        return file
    }

    /// The files with the digests of the artifacts that they name.
    private static func manifests(
        _ files: [File], _ contents: [String: [String: ArtifactContents.Content]]
    ) throws(CLIError) -> ManifestFiles {
        var texts: [(name: String, text: String)] = []
        var documents: [(file: Int, document: ManifestDocument)] = []
        for file in files {
            let text = ArtifactContents.replacing(in: file.text, with: contents[file.name] ?? [:])
            do throws(ManifestErrors) {
                documents += try ManifestDocument.parseAll(text, fileName: file.name).map {
                    (texts.count, $0)
                }
            } catch {
                throw CLIError(.wrongUse, lines: error.errors.map(\.description))
            }
            texts.append((file.name, text))
        }
        let repeats = ManifestDocument.repeats(in: documents.map(\.document))
        if !repeats.isEmpty { throw CLIError(.wrongUse, lines: repeats.map(\.description)) }
        return ManifestFiles(files: texts, documents: documents)
    }
}
