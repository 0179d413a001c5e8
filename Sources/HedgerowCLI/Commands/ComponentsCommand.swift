import ArgumentParser
import Components
import HedgerowAPI
import Manifests

/// `hedgerow components …`.
struct ComponentsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "components",
        abstract: "Register, list, show and check components.",
        discussion: """
            A component is a recipe: YAML or JSON of kind: Component. Versions never change; what is registered under \
            one stays. A group names the versions that it wants: see hedgerow apply.

            Example:
              hedgerow components check compensate.yaml
              hedgerow components push compensate.yaml
              hedgerow components list
            """,
        subcommands: [
            Push.self, List.self, Show.self, Check.self, Alias.self, Aliases.self, Unalias.self,
            Deprecate.self,
        ])
}

extension ComponentsCommand {
    /// `components list [NAME]`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List components with their highest version, or the versions of one.",
            discussion: """
                Example:
                  hedgerow components list
                  hedgerow components list compensate-temperature --output json
                """)

        @Argument(help: "Only the versions of this component.")
        var name: String?

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let components = try await home.withCloud { cloud in
                try await Pages.all { token in
                    var request = Hedgerow_Registry_V1_ListComponentsRequest()
                    request.name = name ?? ""
                    request.pageSize = 1_000
                    request.pageToken = token
                    let page = try await cloud.registry.listComponents(request, options: cloud.options)
                    return (page.components, page.nextPageToken)
                }
            }
            var table = Table(ComponentText.header)
            for component in components { table.add(ComponentText.cells(component)) }
            try output.write(
                json: .list(components.map { .object(ComponentText.members($0)) }),
                table: table.render(coloured: CommandIO.current.isColoured))
            if components.isEmpty, output.format == .table {
                CommandIO.current.note(
                    "There are no components yet; register one with: hedgerow components push FILE")
            }
        }
    }

    /// `components show NAME[@VERSION]`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a version of a component: the highest that is no pre-release, or the one named.",
            discussion: """
                Example:
                  hedgerow components show compensate-temperature
                  hedgerow components show compensate-temperature@1.0.0 --recipe > old.yaml
                """)

        @Argument(
            help: ArgumentHelp(
                "Its name, and the version where it is another one.", valueName: "name@version"))
        var reference: String

        @Flag(help: "Write its recipe, as it was registered.")
        var recipe = false

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var request = Hedgerow_Registry_V1_GetComponentRequest()
            (request.name, request.version) = try Self.parse(reference)
            let reply = try await home.withCloud { [request] cloud in
                try await cloud.registry.getComponent(request, options: cloud.options)
            }
            if recipe, output.format == .table {
                try CommandIO.current.writeOutput(reply.recipe)
                return
            }
            try output.write(
                json: .object(ComponentText.members(reply.component) + [("recipe", .text(reply.recipe))]),
                table: ComponentText.details(reply.component, recipe: reply.recipe))
        }

        /// Reads `NAME` or `NAME@VERSION`; no version where there is none.
        static func parse(_ reference: String) throws(CLIError) -> (name: String, version: String) {
            guard let at = reference.firstIndex(of: "@") else { return (reference, "") }
            do throws(InvalidVersion) {
                let version = try SemanticVersion(parsing: String(reference[reference.index(after: at)...]))
                return (String(reference[..<at]), version.description)
            } catch {
                throw CLIError(
                    .wrongUse, error.description,
                    hint: "see the versions with: hedgerow components list \(reference[..<at])")
            }
        }
    }

    /// `components check FILE…`.
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check recipes without a cloud: all that push would refuse, with line and column.",
            discussion: """
                Types and units of expressions are checked too. It needs no identity. Exit code 2 where a file has an \
                error.

                Example:
                  hedgerow components check compensate.yaml limit.yaml
                  hedgerow components check - --output json < compensate.yaml
                """)

        @Argument(
            help: ArgumentHelp("Recipes; - for standard input.", valueName: "file"), completion: .file())
        var files: [String]

        @OptionGroup var output: OutputOptions

        func run() async throws {
            let recipes = try await RecipeFile.read(files)
            var table = Table(["FILE", "COMPONENT", "VERSION", "RESULT"])
            for recipe in recipes { table.add(recipe.cells) }
            try output.write(
                json: .list(recipes.map { .object($0.members) }),
                table: table.render(coloured: CommandIO.current.isColoured))
            for recipe in recipes { recipe.sayWarnings() }
            try RecipeFile.refuse(recipes)
        }
    }
}
