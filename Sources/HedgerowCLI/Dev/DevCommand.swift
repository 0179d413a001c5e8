import ArgumentParser
import Components
import PKI

/// `hedgerow dev`: a group on this machine, with a cloud and a core of its own, from files as they are saved.
struct DevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev",
        abstract: "Run a group here, from files, and apply them whenever they are saved.",
        discussion: """
            Starts a cloud and one core of their own on loopback, deploys the group there, and shows its messages and \
            what its components write. Recipes are looked for in the files given with --recipe, in the group's file, \
            and in .yaml, .yml and .json files up to three directories deep where the group's file is. A saved file is \
            checked first; where it has a mistake, what ran goes on. The same files go to a real cloud unchanged. \
            Ctrl-C ends all of it; streams and data stay for the next time, unless --fresh is given.

            Example:
              hedgerow dev --group press-hall.yaml
              hedgerow dev --group press-hall.yaml --recipe packed.yaml --simulate bme680-1
              hedgerow dev --group press-hall.yaml --fresh --quiet-messages
            """)

    @Option(
        help: ArgumentHelp("The file with the group.", valueName: "file"), completion: .file())
    var group: String

    @Option(
        help: ArgumentHelp(
            "A file with recipes, aliases or things; comes before what is found; may be repeated.",
            valueName: "file"), completion: .file())
    var recipe: [String] = []

    @Option(
        help: ArgumentHelp(
            "Directory for everything that stays. Default: .hedgerow-dev beside the group's file.",
            valueName: "dir"), completion: .directory)
    var state: String?

    @Flag(help: "Begin anew: delete what an earlier run left in that directory.")
    var fresh = false

    @Option(
        help: ArgumentHelp(
            "Run a thing of the group that publishes simulated readings; may be repeated.", valueName: "thing"
        ))
    var simulate: [String] = []

    @Flag(help: "Show no messages, only what components write.")
    var quietMessages = false

    @OptionGroup var colour: ColourOptions

    init() {}

    func validate() throws {
        if group == "-" || recipe.contains("-") {
            throw ValidationError("Files that are watched are on disk: give no - for standard input.")
        }
        var seen: Set<String> = [DevSearch.absolute(group)]
        for file in recipe where !seen.insert(DevSearch.absolute(file)).inserted {
            throw ValidationError("\(file) is named twice.")
        }
    }

    func run() async throws {
        try LocalPrograms.require(["hedgerow", "hedgerow-cloud", "hedgerow-core"])
        let folder = RecipeFile.folder(of: group)
        let path = state ?? (folder.isEmpty ? "" : folder + "/") + ".hedgerow-dev"
        var reader = DevReader(
            group: group, recipes: recipe, search: DevSearch(state: DevSearch.absolute(path)))
        let files = try await reader.read()
        for name in simulate where !files.things.contains(name) {
            throw CLIError(
                .wrongUse, "\(name) is no thing of the group \(files.definition.name)",
                hint: "name one of those under things:")
        }
        let state = try await BlockingIO.run { [fresh] in try DevState(path: path, isFresh: fresh) }
        try await Dev(
            state: state, screen: DevScreen(io: .current), isQuiet: quietMessages, simulated: simulate
        ).run(reader, files)
    }
}
