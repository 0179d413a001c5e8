import ArgumentParser

/// How results are written.
enum OutputFormat: String, CaseIterable, Sendable, ExpressibleByArgument {
    /// For people.
    case table
    /// For programs; the names of fields are stable.
    case json
}

/// The option that every command with results has.
struct OutputOptions: ParsableArguments, Sendable {
    @Option(
        name: [.customLong("output"), .customShort("o")], help: "How results are written: table or json.")
    var format: OutputFormat = .table

    @OptionGroup var colour: ColourOptions

    init() {}

    /// Writes results.
    func write(json: @autoclosure () -> JSONValue, table: @autoclosure () -> String) throws {
        let io = CommandIO.current
        switch format {
        case .json: try io.print(json().pretty)
        case .table: try io.writeOutput(table())
        }
    }
}
