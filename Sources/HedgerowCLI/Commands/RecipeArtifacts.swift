import Components
import FoundationEssentials
import HedgerowAPI
import Manifests
import RPCSupport

/// The files that recipes name, as they lie on disk and in the cloud.
struct RecipeArtifacts: Sendable {
    /// Files that are on disk and are what a recipe names, by digest.
    private(set) var files: [[UInt8]: ArtifactFile] = [:]
    /// What recipes name, each content once, with the recipe's file.
    private var wanted: [(reference: ArtifactReference, recipe: String)] = []

    /// Finds the files of some recipes and compares them.
    ///
    /// - Parameter directory: where the files are; nil for beside each recipe.
    /// - Throws: ``CLIError`` with a line for each file that is another than the recipe says.
    static func find(_ recipes: [RecipeFile], in directory: String?) async throws -> RecipeArtifacts {
        var found = RecipeArtifacts()
        var lines: [String] = []
        for recipe in recipes {
            let references = recipe.manifest?.recipe.allArtifacts ?? []
            let folder = directory ?? recipe.folder
            // The platforms of a recipe may have files of one name and different content.
            for (name, group) in Dictionary(grouping: references, by: \.name).sorted(by: { $0.key < $1.key })
            {
                for reference in group
                where !found.wanted.contains(where: { $0.reference.digest == reference.digest }) {
                    found.wanted.append((reference, recipe.fileName))
                }
                guard let file = try await ArtifactFile.read(folder.isEmpty ? name : folder + "/" + name)
                else { continue }
                if group.contains(where: { $0.digest == file.digest && $0.size == Int64(clamping: file.size) }
                ) {
                    found.files[file.digest] = file
                } else {
                    lines.append(mismatch(file, expected: group, recipe: recipe.fileName))
                }
            }
        }
        if !lines.isEmpty { throw CLIError(.wrongUse, lines: lines) }
        return found
    }

    /// Uploads what the cloud has not.
    ///
    /// - Throws: ``CLIError`` with a line for each that is neither there nor here.
    func upload(to cloud: CloudSession) async throws {
        var lines: [String] = []
        for (reference, recipe) in wanted {
            if let file = files[reference.digest] {
                _ = try await ArtifactUpload(file: file).run(to: cloud)
                continue
            }
            var request = Hedgerow_Artifact_V1_GetArtifactUploadRequest()
            request.digest = Data(reference.digest)
            let held = try await cloud.artifacts.getArtifactUpload(request, options: cloud.options)
            if held.hasArtifact { continue }
            lines.append(
                "\(recipe): artifact \"\(reference.name)\" (SHA-256 \(ArtifactDigest.text(reference.digest))) is not in the "
                    + "cloud, and no such file is beside the recipe; put it there, name its directory with --artifacts, or "
                    + "upload it (hedgerow artifacts push \(reference.name))")
        }
        if !lines.isEmpty { throw CLIError(.failure, lines: lines) }
    }

    private static func mismatch(
        _ file: ArtifactFile, expected: [ArtifactReference], recipe: String
    ) -> String {
        let wanted = expected.map { "\(ArtifactDigest.text($0.digest)) with \($0.size) bytes" }
            .joined(separator: " or ")
        return "\(recipe): \(file.path) is not the artifact \"\(file.name)\": expected \(wanted), got "
            + "\(ArtifactDigest.text(file.digest)) with \(file.size) bytes; see hedgerow artifacts digest \(file.path)"
    }
}

extension RecipeFile {
    /// The directory that the file is in; empty for the current one.
    var folder: String { Self.folder(of: fileName) }

    /// The directory that a file is in; empty for the current one.
    static func folder(of fileName: String) -> String {
        guard let slash = fileName.lastIndex(of: "/") else { return "" }
        return slash == fileName.startIndex ? "/" : String(fileName[..<slash])
    }
}
