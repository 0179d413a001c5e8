import Components
import FoundationEssentials
import PKI
import RPCSupport

/// A file on disk that is, or may become, an artifact.
struct ArtifactFile: Hashable, Sendable {
    let path: String
    let digest: [UInt8]
    let size: UInt64

    /// The last part of its path.
    var name: String { String(path.split(separator: "/").last ?? "") }

    /// Reads a whole file; nil where there is none.
    ///
    /// - Throws: ``CLIError`` where it cannot be read.
    static func read(_ path: String) async throws -> ArtifactFile? {
        try await Progress.show("reading \(path)") { progress in
            do {
                return try await BlockingIO.run {
                    guard FileStatus(path: path)?.isDirectory != true else {
                        throw CLIError(.wrongUse, "\(path) is a directory", hint: "name a file")
                    }
                    let found = try ArtifactDigest.of(file: path) { read in
                        progress.say("reading \(path), \(ByteText.text(read))")
                    }
                    return found.map { ArtifactFile(path: path, digest: $0.digest, size: $0.size) }
                }
            } catch let failure as FileFailure {
                throw CLIError(.wrongUse, failure.description)
            }
        }
    }

    /// Reads files that have to be there.
    ///
    /// - Throws: ``CLIError``.
    static func readAll(_ paths: [String]) async throws -> [ArtifactFile] {
        var files: [ArtifactFile] = []
        for path in paths {
            guard let file = try await read(path) else {
                throw CLIError(.wrongUse, "there is no file \(path)")
            }
            files.append(file)
        }
        return files
    }

    /// The lines of a recipe that name the file.
    var recipeLines: String {
        "  - {name: \(name), sha256: \(ArtifactDigest.text(digest)), size: \(size)}\n"
    }

    /// For programs; docs/cli.md lists the names.
    var members: [(String, JSONValue)] {
        [
            ("file", .text(path)), ("name", .text(name)), ("digest", .text(ArtifactDigest.text(digest))),
            ("size", .unsigned(size)),
        ]
    }
}
