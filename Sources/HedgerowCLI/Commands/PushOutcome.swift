import Components
import HedgerowAPI
import Manifests

/// What became of one recipe of a push.
struct PushOutcome: Sendable {
    let recipe: RecipeFile
    /// What the cloud answered; nil where it refused, or was not asked.
    var reply: Hedgerow_Registry_V1_RegisterComponentResponse?
    /// Why the recipe was refused.
    var refusal: CLIError?
    /// Whether a file before it in the same push is the same recipe.
    var isRepeat = false

    /// The cloud's answer to a trial, seen after those to the files before it: the cloud compares each with what it
    /// has, and would have them by then.
    func after(_ earlier: [PushOutcome]) -> PushOutcome {
        guard refusal == nil, let key = recipe.versionKey,
            let same = earlier.first(where: { $0.refusal == nil && $0.recipe.versionKey == key })
        else { return self }
        var outcome = self
        if same.recipe.text == recipe.text {
            outcome.isRepeat = true
        } else {
            outcome.reply = nil
            outcome.refusal = CLIError(
                CLIError.status(of: .alreadyExists),
                "\(recipe.fileName): \(key) is in \(same.recipe.fileName) with another recipe",
                hint: "raise the version")
        }
        return outcome
    }

    private var word: String {
        if !recipe.errors.isEmpty { return "invalid" }
        if refusal != nil { return "refused" }
        guard let reply else { return "notPushed" }
        return reply.created && !isRepeat ? "created" : "unchanged"
    }

    var cells: [Table.Cell] {
        let style: Style = refusal != nil ? .bad : word == "created" ? .good : .faint
        return [
            Table.Cell(recipe.fileName), Table.Cell(recipe.manifest?.recipe.name ?? ""),
            Table.Cell(recipe.manifest?.recipe.version.description ?? ""), Table.Cell(word, style: style),
        ]
    }

    /// For programs; docs/cli.md lists the names.
    func json(dryRun: Bool) -> JSONValue {
        let errors = recipe.errors.map(\.description) + (refusal?.lines ?? [])
        return .object([
            ("file", .text(recipe.fileName)), ("name", .optional(recipe.manifest?.recipe.name)),
            ("version", .optional(recipe.manifest?.recipe.version.description)), ("result", .text(word)),
            ("dryRun", .boolean(dryRun)),
            ("recipeDigest", .optional(reply.map { RecordText.hexadecimal($0.component.recipeDigest) })),
            ("warnings", .list((reply?.warnings ?? []).map { .text($0) })),
            ("errors", .list(errors.map { .text($0) })),
        ])
    }
}
