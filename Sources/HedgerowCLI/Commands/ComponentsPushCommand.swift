import ArgumentParser
import Components
import GRPCCore
import HedgerowAPI
import Manifests
import RPCSupport

extension ComponentsCommand {
    /// `components push FILE…`.
    struct Push: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Register components.",
            discussion: """
                Every file is checked here first; where one has an error, none is registered. Then each is \
                registered by itself, in the order given, and the outcome of each is shown. The same recipe again \
                changes nothing; another one under a version that is there already is refused. Files that a recipe \
                names under artifacts: are uploaded first where they lie beside it.

                Example:
                  hedgerow components push compensate.yaml limit.yaml
                  hedgerow components push compensate.yaml --dry-run
                """)

        @Argument(
            help: ArgumentHelp("Recipes; - for standard input.", valueName: "file"), completion: .file())
        var files: [String]

        @Option(
            help: ArgumentHelp(
                "Where the recipes' artifacts are. Default: beside each recipe.", valueName: "directory"),
            completion: .directory)
        var artifacts: String?

        @Flag(help: "Check only, here and in the cloud.")
        var dryRun = false

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let recipes = try await RecipeFile.read(files)
            if output.format == .json, recipes.contains(where: { !$0.errors.isEmpty }) {
                // Programs get the list in any case; people the errors alone, which refuse() says.
                let untouched = recipes.map { PushOutcome(recipe: $0).json(dryRun: dryRun) }
                try output.write(json: .list(untouched), table: "")
            }
            try RecipeFile.refuse(recipes)
            let files = try await RecipeArtifacts.find(recipes, in: artifacts)
            let outcomes = try await Progress.show("pushing") { progress in
                try await push(recipes, files, progress)
            }
            let io = CommandIO.current
            var table = Table(["FILE", "COMPONENT", "VERSION", dryRun ? "WOULD BE" : "RESULT"])
            for outcome in outcomes { table.add(outcome.cells) }
            try output.write(
                json: .list(outcomes.map { $0.json(dryRun: dryRun) }),
                table: table.render(coloured: io.isColoured))
            for outcome in outcomes {
                for warning in outcome.reply?.warnings ?? [] {
                    CLIError.note("warning: \(outcome.recipe.fileName): \(warning)")
                }
            }
            if let refusal = outcomes.lazy.compactMap(\.refusal).first {
                throw CLIError(refusal.status, lines: outcomes.flatMap { $0.refusal?.lines ?? [] })
            }
        }

        private func push(
            _ recipes: [RecipeFile], _ files: RecipeArtifacts, _ progress: Progress
        ) async throws -> [PushOutcome] {
            try await home.withCloud { cloud in
                if !dryRun { try await files.upload(to: cloud) }
                var outcomes: [PushOutcome] = []
                for (index, recipe) in recipes.enumerated() {
                    progress.say("pushing \(recipe.fileName), \(index + 1) of \(recipes.count)")
                    let outcome = try await Self.push(recipe, to: cloud, dryRun: dryRun)
                    outcomes.append(dryRun ? outcome.after(outcomes) : outcome)
                }
                return outcomes
            }
        }

        /// Registers one recipe. What the cloud answers about the recipe is an outcome; where the cloud cannot
        /// be asked at all, the command ends.
        private static func push(
            _ recipe: RecipeFile, to cloud: CloudSession, dryRun: Bool
        ) async throws -> PushOutcome {
            var request = Hedgerow_Registry_V1_RegisterComponentRequest()
            request.recipe = recipe.text
            request.dryRun = dryRun
            do {
                let reply = try await cloud.registry.registerComponent(request, options: cloud.options)
                return PushOutcome(recipe: recipe, reply: reply)
            } catch {
                guard let rpc = error as? RPCError, let ours = HedgerowError(rpc) else { throw error }
                switch ours.reason {
                case .alreadyExists, .invalidRecipe, .invalidField, .missingArtifact:
                    return PushOutcome(recipe: recipe, refusal: explain(ours, recipe))
                default: throw error
                }
            }
        }

        /// What the cloud found wrong, each with its place in the file.
        private static func explain(_ error: HedgerowError, _ recipe: RecipeFile) -> CLIError {
            let status = CLIError.status(of: error.reason)
            if error.violations.isEmpty {
                return CLIError(status, "\(recipe.fileName): \(error.message)")
            }
            return CLIError(
                status,
                lines: error.violations.map { "\(recipe.fileName):\($0.field): \($0.description)" })
        }
    }
}
