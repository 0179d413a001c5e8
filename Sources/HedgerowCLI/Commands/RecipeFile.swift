import Components
import Manifests

/// A recipe on disk and what its check found.
struct RecipeFile: Sendable {
    /// What errors call the file.
    let fileName: String
    /// The text, as it is in the file.
    let text: String
    /// The recipe, or all that is wrong with it.
    let result: Result<ComponentManifest, ManifestErrors>

    /// Checks a text.
    init(fileName: String, text: String) {
        self.fileName = fileName
        self.text = text
        self.result = Result { () throws(ManifestErrors) in
            try ComponentManifest.parse(text, fileName: fileName)
        }
    }

    /// Reads and checks files, standard input where one is `-`.
    ///
    /// - Throws: ``CLIError`` where one cannot be read, or is named twice.
    static func read(_ paths: [String]) async throws -> [RecipeFile] {
        var seen = Set<String>()
        for path in paths where !seen.insert(path).inserted {
            throw CLIError(.wrongUse, "\(path) is named twice", hint: "name each file once")
        }
        var files: [RecipeFile] = []
        for path in paths {
            files.append(
                RecipeFile(
                    fileName: path == "-" ? "standard input" : path,
                    text: try await CommandIO.current.readText(path)))
        }
        return files
    }

    /// Ends with every error of every file, where there is one.
    static func refuse(_ files: [RecipeFile]) throws(CLIError) {
        let lines = files.flatMap { $0.errors.map(\.description) }
        if !lines.isEmpty { throw CLIError(.wrongUse, lines: lines) }
    }

    var manifest: ComponentManifest? { try? result.get() }

    /// Which version of what it is, for comparing: build metadata does not count. Nil where it has errors.
    var versionKey: String? {
        guard let recipe = manifest?.recipe else { return nil }
        return "\(recipe.name) \(recipe.version.description.prefix { $0 != "+" })"
    }

    var errors: [ManifestError] {
        if case .failure(let errors) = result { errors.errors } else { [] }
    }

    /// Says what is odd about the recipe, on standard error.
    func sayWarnings() {
        for warning in manifest?.warnings ?? [] {
            CLIError.note("warning: \(warning)")
        }
    }

    /// The columns of a table.
    var cells: [Table.Cell] {
        let verdict =
            errors.isEmpty
            ? Table.Cell("ok", style: .good) : Table.Cell(Text.count(errors.count, "error"), style: .bad)
        return [
            Table.Cell(fileName), Table.Cell(manifest?.recipe.name ?? ""),
            Table.Cell(manifest?.recipe.version.description ?? ""), verdict,
        ]
    }

    /// For programs; docs/cli.md lists the names.
    var members: [(String, JSONValue)] {
        [
            ("file", .text(fileName)), ("valid", .boolean(errors.isEmpty)),
            ("name", .optional(manifest?.recipe.name)),
            ("version", .optional(manifest?.recipe.version.description)),
            ("errors", .list(errors.map(Self.json))),
            ("warnings", .list((manifest?.warnings ?? []).map(Self.json))),
        ]
    }

    private static func json(_ error: ManifestError) -> JSONValue {
        .object([
            ("line", .integer(Int64(error.line))), ("column", .integer(Int64(error.column))),
            ("message", .text(error.message)),
        ])
    }
}
