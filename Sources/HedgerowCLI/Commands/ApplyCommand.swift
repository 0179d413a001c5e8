import ArgumentParser
import Components
import GRPCCore
import HedgerowAPI
import Manifests
import RPCSupport

/// `hedgerow apply -f FILE`: makes revisions of groups.
struct ApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Apply group definitions from a file.",
        discussion: """
            The file is YAML or JSON of kind: Group; several groups are separated by lines of ---. It is checked here \
            first, then by the cloud. Applying what is there already changes nothing. Applying deploys nothing: see \
            hedgerow deploy.

            Example:
              hedgerow apply -f press-hall.yaml --dry-run
              hedgerow apply -f press-hall.yaml
              cat groups/*.yaml | hedgerow apply -f -
            """)

    @Option(
        name: [.customShort("f"), .customLong("file")], help: "The file; - for standard input.",
        completion: .file())
    var file: String

    @Flag(help: "Check and compare only.")
    var dryRun = false

    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    /// What the cloud answered to one definition.
    private struct Outcome: Sendable {
        let group: String
        let reply: Hedgerow_Registry_V1_ApplyGroupResponse

        var word: String { reply.created ? "created" : reply.changed ? "changed" : "unchanged" }
    }

    func run() async throws {
        let io = CommandIO.current
        let text = try await io.readText(file)
        let fileName = file == "-" ? "standard input" : file
        let manifests: [GroupManifest]
        do throws(ManifestErrors) {
            manifests = try GroupManifest.parseAll(text, fileName: fileName)
        } catch {
            throw CLIError(.wrongUse, lines: error.errors.map(\.description))
        }
        let outcomes = try await Progress.show("applying") { progress in
            try await apply(manifests, text: text, fileName: fileName, progress)
        }
        try write(outcomes, io: io)
    }

    private func apply(
        _ manifests: [GroupManifest], text: String, fileName: String, _ progress: Progress
    ) async throws -> [Outcome] {
        try await home.withCloud { cloud in
            var outcomes: [Outcome] = []
            for (index, manifest) in manifests.enumerated() {
                progress.say("applying \(manifest.definition.name), \(index + 1) of \(manifests.count)")
                var request = Hedgerow_Registry_V1_ApplyGroupRequest()
                // The only group of a file goes as it is written, so that the cloud's line numbers are the file's.
                request.definition = manifests.count == 1 ? text : GroupManifest.render(manifest.definition)
                request.dryRun = dryRun
                do {
                    let reply = try await cloud.registry.applyGroup(request, options: cloud.options)
                    outcomes.append(Outcome(group: manifest.definition.name, reply: reply))
                } catch {
                    throw Self.explain(
                        error, fileName: fileName, manifest: manifest, isOnly: manifests.count == 1)
                }
            }
            return outcomes
        }
    }

    private func write(_ outcomes: [Outcome], io: CommandIO) throws {
        try output.write(
            json: .list(
                outcomes.map { outcome in
                    .object([
                        ("group", .text(outcome.group)),
                        ("revision", .unsigned(outcome.reply.revision.revision)),
                        ("created", .boolean(outcome.reply.created)),
                        ("changed", .boolean(outcome.reply.changed)),
                        ("dryRun", .boolean(dryRun)), ("lock", ComponentText.json(outcome.reply.lock)),
                        ("warnings", .list(outcome.reply.warnings.map { .text($0) })),
                    ])
                }),
            table: table(outcomes, coloured: io.isColoured))
        for outcome in outcomes {
            for warning in outcome.reply.warnings { CLIError.note("warning: \(outcome.group): \(warning)") }
        }
        if output.format == .table, !dryRun {
            for outcome in outcomes where outcome.reply.changed || outcome.reply.created {
                io.note("Next: hedgerow deploy \(outcome.group) --wait")
            }
        }
    }

    private func table(_ outcomes: [Outcome], coloured: Bool) -> String {
        var table = Table(["GROUP", "REVISION", dryRun ? "WOULD BE" : "RESULT"])
        for outcome in outcomes {
            table.add([
                Table.Cell(outcome.group), Table.Cell("\(outcome.reply.revision.revision)"),
                Table.Cell(outcome.word, style: outcome.word == "unchanged" ? .faint : .good),
            ])
        }
        var text = table.render(coloured: coloured)
        if outcomes.contains(where: { !$0.reply.lock.isEmpty }) {
            var lock = Table(["GROUP", "INSTANCE", "COMPONENT", "VERSION"])
            for outcome in outcomes {
                for entry in outcome.reply.lock {
                    lock.add([
                        Table.Cell(outcome.group), Table.Cell(entry.instance), Table.Cell(entry.component),
                        Table.Cell(entry.version),
                    ])
                }
            }
            text += "\n" + lock.render(coloured: coloured)
        }
        return text
    }

    /// What the cloud found wrong, each with its place in the file.
    ///
    /// - Parameter isOnly: whether the cloud got the file as it is, so that its lines are the file's.
    private static func explain(
        _ error: any Error, fileName: String, manifest: GroupManifest, isOnly: Bool
    ) -> any Error {
        guard let rpc = error as? RPCError, let ours = HedgerowError(rpc),
            ours.reason == .invalidDefinition || ours.reason == .unresolvedComponent,
            !ours.violations.isEmpty
        else { return error }
        return CLIError(
            CLIError.status(of: ours.reason),
            lines: ours.violations.map { violation in
                // The cloud names a place in the text that it got, or a part of the definition.
                guard violation.field.wholeMatch(of: /\d+:\d+/) != nil else {
                    let problem = DefinitionProblem(
                        path: violation.field, message: violation.description)
                    return manifest.locate([problem]).map(\.description).joined()
                }
                return isOnly
                    ? "\(fileName):\(violation.field): \(violation.description)"
                    : "\(fileName):\(manifest.line):1: \(manifest.definition.name): \(violation.description)"
            })
    }
}
