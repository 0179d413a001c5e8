import ArgumentParser
import HedgerowAPI
import RPCSupport

/// `hedgerow artifacts`: the files of components.
struct ArtifactsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "artifacts",
        abstract: "Upload, list, show and download the files of components.",
        discussion: """
            An artifact is a file under its SHA-256. Recipes name artifacts by it; hedgerow components push uploads \
            what lies beside a recipe. What no component names is removed a day after its last use.

            Example:
              hedgerow artifacts digest model.onnx
              hedgerow artifacts push model.onnx
              hedgerow artifacts list
            """,
        subcommands: [Push.self, List.self, Show.self, Get.self, Digest.self])
}

extension ArtifactsCommand {
    /// `artifacts push FILE…`.
    struct Push: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Upload files.",
            discussion: """
                What the cloud has already is not sent again, and an upload that was cut goes on where it was: run the \
                same command again.

                Example:
                  hedgerow artifacts push model.onnx labels.txt
                  hedgerow artifacts push model.onnx --verify
                """)

        @Argument(help: ArgumentHelp("Files.", valueName: "file"), completion: .file())
        var files: [String]

        @Flag(help: "Have the cloud compare what it has with the digest, and replace it where it is damaged.")
        var verify = false

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let files = try await ArtifactFile.readAll(files)
            let outcomes = try await home.withCloud { [verify] cloud in
                var outcomes: [ArtifactUpload.Outcome] = []
                for file in files {
                    outcomes.append(try await ArtifactUpload(file: file, verify: verify).run(to: cloud))
                }
                return outcomes
            }
            var table = Table(["FILE", "DIGEST", "SIZE", "RESULT"])
            for (file, outcome) in zip(files, outcomes) {
                table.add([
                    Table.Cell(file.path), Table.Cell(ArtifactDigest.text(file.digest)),
                    Table.Cell(ByteText.text(file.size)),
                    outcome.wasThere
                        ? Table.Cell("unchanged", style: .faint) : Table.Cell("uploaded", style: .good),
                ])
            }
            try output.write(
                json: .list(
                    zip(files, outcomes).map { file, outcome in
                        .object(
                            file.members + [("result", .text(outcome.wasThere ? "unchanged" : "uploaded"))])
                    }), table: table.render(coloured: CommandIO.current.isColoured))
        }
    }

    /// `artifacts list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List artifacts and who names them.",
            discussion: """
                Example:
                  hedgerow artifacts list
                  hedgerow artifacts list --output json
                """)

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let artifacts = try await home.withCloud { cloud in try await cloud.artifacts(prefix: "") }
            var table = Table(ArtifactText.header)
            for artifact in artifacts { table.add(ArtifactText.cells(artifact)) }
            try output.write(
                json: .list(artifacts.map { .object(ArtifactText.members($0)) }),
                table: table.render(coloured: CommandIO.current.isColoured))
            if artifacts.isEmpty, output.format == .table {
                CommandIO.current.note(
                    "There are no artifacts yet; upload one with: hedgerow artifacts push FILE")
            }
        }
    }

    /// `artifacts show DIGEST`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show an artifact and every component version that names it.",
            discussion: """
                Example:
                  hedgerow artifacts show 9f86d081884c7d65
                """)

        @Argument(help: "Its SHA-256, or the first digits of it that no other has.")
        var digest: String

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let artifact = try await home.withCloud { [digest] cloud in try await cloud.artifact(digest) }
            try output.write(
                json: .object(ArtifactText.members(artifact)), table: ArtifactText.details(artifact))
        }
    }

    /// `artifacts digest FILE…`.
    struct Digest: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the lines of a recipe that name files.",
            discussion: """
                It needs no cloud.

                Example:
                  hedgerow artifacts digest model.onnx >> recipe.yaml
                """)

        @Argument(help: ArgumentHelp("Files.", valueName: "file"), completion: .file())
        var files: [String]

        @OptionGroup var output: OutputOptions

        func run() async throws {
            let files = try await ArtifactFile.readAll(files)
            try output.write(
                json: .list(files.map { .object($0.members) }),
                table: "artifacts:\n" + files.map(\.recipeLines).joined())
        }
    }
}

extension CloudSession {
    /// Artifacts whose digest begins with some digits.
    func artifacts(prefix: String) async throws -> [Hedgerow_Artifact_V1_Artifact] {
        try await Pages.all { token in
            var request = Hedgerow_Artifact_V1_ListArtifactsRequest()
            request.pageSize = 1_000
            request.pageToken = token
            request.digestPrefix = prefix
            let page = try await artifacts.listArtifacts(request, options: options)
            return (page.artifacts, page.nextPageToken)
        }
    }

    /// The artifact whose digest begins with some digits.
    ///
    /// - Throws: ``CLIError`` where there is none, or more than one.
    func artifact(_ digits: String) async throws -> Hedgerow_Artifact_V1_Artifact {
        let found = try await artifacts(prefix: digits.lowercased())
        guard let first = found.first else {
            throw CLIError(
                .notFound, "no artifact has a digest that begins with \"\(digits)\"",
                hint: "see them with: hedgerow artifacts list")
        }
        guard found.count == 1 else {
            throw CLIError(
                .wrongUse, "\(found.count) artifacts have a digest that begins with \"\(digits)\"",
                hint: "give more of its digits")
        }
        return first
    }
}
