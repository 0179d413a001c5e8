import ArgumentParser

/// Whether results and progress are coloured.
enum ColourChoice: String, CaseIterable, Sendable, ExpressibleByArgument {
    /// On a terminal, unless `NO_COLOR` is set (https://no-color.org) or the terminal is dumb.
    case auto
    /// Always, into files and other programs too.
    case always
    /// Never.
    case never

    private static let option = "--color"

    /// Whether what goes to a place is coloured.
    func applies(toTerminal isTerminal: Bool, environment: [String: String]) -> Bool {
        switch self {
        case .always: true
        case .never: false
        case .auto:
            isTerminal && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
        }
    }

    /// What a command line says, before it is parsed: errors of parsing are coloured by it too.
    static func find(in arguments: [String]) -> ColourChoice {
        var choice = ColourChoice.auto
        let before = arguments.prefix { $0 != "--" }
        for (index, argument) in before.enumerated() {
            if argument == option, index + 1 < before.count {
                choice = ColourChoice(rawValue: before[index + 1]) ?? choice
            } else if argument.hasPrefix(option + "=") {
                choice = ColourChoice(rawValue: String(argument.dropFirst(option.count + 1))) ?? choice
            }
        }
        return choice
    }
}

/// The option that every command with results has. ``HedgerowProgram`` obeys it: here it is for the help and
/// for refusing other values.
struct ColourOptions: ParsableArguments, Sendable {
    @Option(
        name: .customLong("color"),
        help: ArgumentHelp(
            "Colour: auto (on a terminal, unless NO_COLOR is set), always or never.", valueName: "when"))
    var colour: ColourChoice = .auto

    init() {}
}
