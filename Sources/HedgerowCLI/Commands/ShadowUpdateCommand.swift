import ArgumentParser
import HedgerowAPI
import Shadows

/// `hedgerow shadow update THING`: changes a shadow, or makes one.
struct ShadowUpdateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Change a shadow, or make one; prints what changed.",
        discussion: """
            Only what is named changes; null deletes. With --set the value is JSON where it can be read as such, else a \
            text. --version changes nothing unless the shadow has that version; --if not unless a CEL expression over the \
            document (state, metadata, version, exists) is true.

            Example:
              hedgerow shadow update fan-1 --set desired.fan=true
              hedgerow shadow update fan-1 --set desired.old=null --version 7
              hedgerow shadow update fan-1 --desired '{"speed": {"max": 3}}'
              hedgerow shadow update fan-1 --reported @state.json
              jq . request.json | hedgerow shadow update fan-1 --document -
            """)

    @OptionGroup var shadow: ShadowArgument

    @Option(
        help: ArgumentHelp(
            "One value: desired.KEY=VALUE or reported.KEY=VALUE, keys below keys with dots.",
            valueName: "place=value"))
    var set: [String] = []

    @Option(help: ArgumentHelp("What is desired: JSON, or @FILE.", valueName: "json"))
    var desired: String?

    @Option(help: ArgumentHelp("What is reported: JSON, or @FILE.", valueName: "json"))
    var reported: String?

    @Option(
        help: ArgumentHelp(
            "The whole request, as the reserved topics take it: a file, or -.", valueName: "file"))
    var document: String?

    @Option(help: ArgumentHelp("Only if it has this version; 1 makes a new one.", valueName: "number"))
    var version: UInt64?

    @Option(name: .customLong("if"), help: ArgumentHelp("Only if this is true.", valueName: "expression"))
    var condition: String?

    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        let hasParts = !set.isEmpty || desired != nil || reported != nil
        if hasParts == (document != nil) {
            throw ValidationError("Give --set, --desired or --reported, or --document alone.")
        }
        if document != nil, version != nil {
            throw ValidationError("--version stands in the document where --document is given.")
        }
    }

    func run() async throws {
        var request = Hedgerow_Shadow_V1_UpdateShadowRequest()
        request.thing = shadow.thing
        request.name = shadow.name
        request.document = try await requestDocument()
        request.condition = condition ?? ""
        let (reply, change) = try await home.withCloud { [request] cloud in
            let reply = try await cloud.about(shadow) {
                try await cloud.shadows.updateShadow(request, options: cloud.options)
            }
            // What it was before is known by its history, whoever else changes it meanwhile.
            return (reply, try await ShadowHistory.change(to: reply.version, of: shadow, cloud))
        }
        let changes = try change.map { try $0.changes }
        let table = try text(reply, changes, coloured: CommandIO.current.isColoured)
        try output.write(json: json(reply, changes), table: table)
    }

    private func text(
        _ reply: Hedgerow_Shadow_V1_UpdateShadowResponse, _ changes: [ShadowDifference.Change]?,
        coloured: Bool
    ) throws -> String {
        var lines: [String]
        if let changes {
            lines = ShadowDifference.lines(changes, coloured: coloured)
            lines.append(
                "The shadow \(shadow.title) has version \(reply.version)"
                    + (changes.isEmpty ? "; nothing in it changed." : "."))
        } else {
            // No history is kept there: what was asked for is what is known.
            let view = try ShadowView(reply.document)
            lines = ShadowDifference.lines(
                ShadowDifference.changes(from: nil, to: view.state), coloured: coloured)
            lines.append("The shadow \(shadow.title) has version \(reply.version).")
        }
        if let delta = ShadowJSON.parse(reply.delta)?["state"] {
            lines += ShadowDifference.leaves(of: delta).sorted { $0.key < $1.key }.map { path, value in
                let line =
                    "≠ \(Text.printable(path.description)): \(ShadowJSON.text(value)) is desired, not reported"
                return coloured ? Style.busy.apply(to: line) : line
            }
        }
        return lines.map { $0 + "\n" }.joined()
    }

    private func json(
        _ reply: Hedgerow_Shadow_V1_UpdateShadowResponse, _ changes: [ShadowDifference.Change]?
    ) -> JSONValue {
        .object(
            ShadowText.identity(thing: shadow.thing, name: shadow.name) + [
                ("version", .unsigned(reply.version)),
                ("accepted", ShadowJSON.json(document: reply.document)),
                ("delta", ShadowJSON.json(ShadowJSON.parse(reply.delta)?["state"])),
                ("changes", changes.map { ShadowDifference.json($0) } ?? .null),
            ])
    }

    // MARK: What is asked for

    private func requestDocument() async throws -> String {
        if let document { return try await CommandIO.current.readText(document) }
        var state: [String: ShadowValue] = [:]
        if let desired { state["desired"] = try await section(desired, "--desired") }
        if let reported { state["reported"] = try await section(reported, "--reported") }
        for setting in set { try Self.apply(setting, to: &state) }
        var members: [String: ShadowValue] = ["state": .object(state)]
        if let version {
            guard let number = Int64(exactly: version) else {
                throw CLIError(
                    .wrongUse, "--version is \(version)", hint: "no shadow has had so many versions")
            }
            members["version"] = .integer(number)
        }
        return ShadowValue.object(members).text
    }

    /// A section from the command line or from a file.
    private func section(_ argument: String, _ option: String) async throws -> ShadowValue {
        let isFile = argument.hasPrefix("@")
        let text = isFile ? try await CommandIO.current.readText(String(argument.dropFirst())) : argument
        do throws(JSONError) {
            let value = try ShadowValue(parsing: text)
            if case .object = value { return value }
            if value == .null { return value }
        } catch {
            throw CLIError(
                .wrongUse, "what \(option) says is no JSON: \(error)",
                hint: "write it as '{\"fan\": true}', or as @FILE")
        }
        throw CLIError(.wrongUse, "\(option) is no object", hint: "write {…}, or null to drop the section")
    }

    /// Puts `desired.fan.speed=3` where it belongs.
    static func apply(_ setting: String, to state: inout [String: ShadowValue]) throws(CLIError) {
        guard let (place, text) = ShadowPath.split(setting) else {
            throw CLIError(
                .wrongUse, "--set is \"\(setting)\"", hint: "write PLACE=VALUE, as in --set desired.fan=true")
        }
        guard let section = place.keys.first, section == "desired" || section == "reported",
            place.keys.count > 1
        else {
            throw CLIError(
                .wrongUse, "--set is \"\(setting)\"",
                hint: "a place begins with desired. or reported., as in --set desired.fan=true")
        }
        let value = ShadowJSON.parse(text) ?? .string(text)
        guard put(value, at: place.keys[...], into: &state) else {
            throw CLIError(
                .wrongUse, "\(place) is set twice, or below something that is set",
                hint: "give each place once")
        }
    }

    private static func put(
        _ value: ShadowValue, at keys: ArraySlice<String>, into members: inout [String: ShadowValue]
    ) -> Bool {
        guard let key = keys.first else { return false }
        if keys.count == 1 {
            guard members[key] == nil else { return false }
            members[key] = value
            return true
        }
        var inner: [String: ShadowValue] = [:]
        switch members[key] {
        case nil: break
        case .object(let there)?: inner = there
        case _?: return false
        }
        guard put(value, at: keys.dropFirst(), into: &inner) else { return false }
        members[key] = .object(inner)
        return true
    }
}
