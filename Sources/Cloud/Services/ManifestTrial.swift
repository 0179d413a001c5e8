import Components
import Crypto
import FoundationEssentials
import GRPCCore
import HedgerowAPI
import Manifests
import RPCSupport

/// A check of manifests of every kind against each other and against what is there; it makes nothing.
struct ManifestTrial {
    /// A document with the index of its file.
    struct Document: Sendable {
        let file: Int
        let document: ManifestDocument
    }

    /// Something that is wrong with a document.
    struct Problem: Sendable {
        let file: Int
        let error: ManifestError
        let code: RPCError.Code
        let reason: ErrorReason
    }

    /// Most differences that one answer lists.
    static let maximumDifferences = 5_000

    let cloud: CloudContext
    let documents: [Document]
    private(set) var problems: [Problem] = []
    /// What applying each document would do, in the documents' order.
    private var results: [Hedgerow_Registry_V1_CheckedManifest]
    private var room = Self.maximumDifferences

    init(_ cloud: CloudContext, _ documents: [Document]) {
        self.cloud = cloud
        self.documents = documents
        self.results = documents.map { document in
            var result = Hedgerow_Registry_V1_CheckedManifest()
            result.file = UInt32(clamping: document.file)
            result.line = UInt32(clamping: document.document.line)
            return result
        }
    }

    /// Reads files and refuses what is wrong in themselves.
    static func read(_ files: [String]) throws(HedgerowError) -> [Document] {
        var documents: [Document] = []
        var problems: [Problem] = []
        func refuse(_ error: ManifestError, _ file: Int) {
            problems.append(
                Problem(file: file, error: error, code: .invalidArgument, reason: .invalidDefinition))
        }
        for (index, text) in files.enumerated() {
            do throws(ManifestErrors) {
                documents += try ManifestDocument.parseAll(text, fileName: "\(index)").map {
                    Document(file: index, document: $0)
                }
            } catch {
                for error in error.errors { refuse(error, index) }
            }
        }
        for error in ManifestDocument.repeats(in: documents.map(\.document)) {
            refuse(error, Int(error.fileName) ?? 0)
        }
        try throwFirst(of: problems)
        return documents
    }

    /// One error with everything that is wrong.
    private static func throwFirst(of problems: [Problem]) throws(HedgerowError) {
        guard let first = problems.first else { return }
        let rest = problems.count > 1 ? " (and \(problems.count - 1) more errors)" : ""
        throw HedgerowError(
            first.code, first.reason,
            "file \(first.file), line \(first.error.line), column \(first.error.column): \(first.error.message)"
                + rest,
            violations: problems.prefix(RequestCheck.maximumViolations).map { problem in
                HedgerowError.Violation(
                    field: "\(problem.file):\(problem.error.line):\(problem.error.column)",
                    description: problem.error.message)
            })
    }

    /// Checks everything.
    ///
    /// - Throws: `HedgerowError` with everything that is wrong; what is wrong with a group only where nothing else is.
    mutating func run() async throws -> [Hedgerow_Registry_V1_CheckedManifest] {
        var batch = RegistryBatch()
        var indices: (types: [Int], things: [Int], aliases: [Int], groups: [Int]) = ([], [], [], [])
        var pending: [RegisteredRecipe] = []
        for (index, entry) in documents.enumerated() {
            switch entry.document.content {
            case .thingType(let type):
                batch.types.append(type)
                indices.types.append(index)
            case .thing(let thing):
                batch.things.append(thing)
                indices.things.append(index)
            case .group(let manifest):
                batch.groups.append(manifest.definition)
                indices.groups.append(index)
            case .component(let manifest):
                if let new = try await checkComponent(manifest, at: index) { pending.append(new) }
            case .alias: indices.aliases.append(index)
            }
        }
        let aliases = try await checkAliases(at: indices.aliases, beside: pending)
        let trial = try await cloud.registry.trial(batch, at: cloud.now)
        for (index, outcome) in zip(indices.types, trial.types) {
            guard let before = take(outcome, at: index) else { continue }
            if case .thingType(let type) = documents[index].document.content {
                record(type.differences(from: before), isNew: before == nil, at: index)
            }
        }
        for (index, outcome) in zip(indices.things, trial.things) {
            guard let before = take(outcome, at: index) else { continue }
            if case .thing(let thing) = documents[index].document.content {
                record(thing.differences(from: before), isNew: before == nil, at: index)
            }
        }
        try Self.throwFirst(of: problems)
        var context = cloud
        context.components = PendingComponents(registered: cloud.components, pending: pending)
        context.pendingAliases = aliases
        for (index, outcome) in zip(indices.groups, trial.groups) {
            guard case .group(let manifest) = documents[index].document.content else { continue }
            await resolve(manifest, in: context, at: index)
            if let applied = take(outcome, at: index) { record(applied, at: index) }
        }
        try Self.throwFirst(of: problems)
        return results
    }

    // MARK: Parts

    private mutating func checkComponent(
        _ manifest: ComponentManifest, at index: Int
    ) async throws -> RegisteredRecipe? {
        let recipe = RegisteredRecipe(manifest, text: documents[index].document.text, at: cloud.now)
        do {
            let (_, created) = try await cloud.components.register(recipe, dryRun: true)
            results[index].change = created ? .created : .unchanged
            results[index].warnings = manifest.warnings.prefix(RequestCheck.maximumViolations).map {
                let place = documents[index].document.error(line: $0.line, column: $0.column, $0.message)
                return "line \(place.line), column \(place.column): \($0.message)"
            }
            return created ? recipe : nil
        } catch let error as StoreError {
            refuse(error, at: index)
            return nil
        }
    }

    private mutating func resolve(_ manifest: GroupManifest, in context: CloudContext, at index: Int) async {
        do {
            let resolved = try await context.resolve(manifest.definition, in: manifest)
            results[index].lock = resolved.lock.map(Hedgerow_Type_V1_LockedComponent.init)
            results[index].warnings += resolved.warnings
        } catch let error as HedgerowError {
            refuse(error, at: index)
        } catch let error as StoreError {
            refuse(error, at: index)
        } catch {
            refuse(
                HedgerowError(.internalError, .internal, "the group cannot be resolved: \(error)"), at: index)
        }
    }

    /// The value of an outcome that fits; what refuses it is kept as a problem.
    private mutating func take<Value>(_ outcome: RegistryTrial.Outcome<Value>, at index: Int) -> Value? {
        switch outcome {
        case .fits(let value): return value
        case .refused(let error):
            refuse(error, at: index)
            return nil
        case .untried: return nil
        }
    }

    mutating func refuse(_ error: StoreError, at index: Int) {
        if case .invalidMembers(let problems) = error {
            add(
                documents[index].document.locate(problems), code: .invalidArgument, .invalidDefinition,
                at: index)
        } else if case .invalidFields(let problems) = error {
            add(
                documents[index].document.locate(problems), code: .invalidArgument, .invalidDefinition,
                at: index)
        } else {
            refuse(error.wire, at: index)
        }
    }

    private mutating func refuse(_ error: HedgerowError, at index: Int) {
        let document = documents[index].document
        let located = error.violations.map { violation in
            let place = violation.field.split(separator: ":").compactMap { Int($0) }
            return place.count == 2
                ? document.error(line: place[0], column: place[1], violation.description)
                : document.error(violation.description)
        }
        add(
            located.isEmpty ? [document.error(error.message)] : located, code: error.code, error.reason,
            at: index)
    }

    private mutating func add(
        _ errors: [ManifestError], code: RPCError.Code, _ reason: ErrorReason, at index: Int
    ) {
        problems += errors.map { Problem(file: documents[index].file, error: $0, code: code, reason: reason) }
    }

    // MARK: Results

    private mutating func record(_ applied: AppliedRevision, at index: Int) {
        let differences =
            applied.changed
            ? GroupDifferences.between(applied.previous?.definition, applied.revision.definition) : []
        record(differences, isNew: applied.created, at: index)
        // The store decides whether there is another revision, the list only says how it differs.
        if applied.changed, !applied.created { results[index].change = .changed }
        results[index].warnings += applied.warnings
        results[index].liveRevision = applied.previous?.number ?? 0
        results[index].revision = applied.revision.number
    }

    mutating func record(_ differences: [Difference], isNew: Bool, at index: Int) {
        results[index].change = isNew ? .created : differences.isEmpty ? .unchanged : .changed
        results[index].differences = differences.prefix(room).map(Hedgerow_Registry_V1_Difference.init)
        results[index].omittedDifferences = UInt32(clamping: differences.count - min(room, differences.count))
        room -= min(room, differences.count)
    }
}

extension RegisteredRecipe {
    /// Most characters of a description that lists show.
    private static let maximumDescription = 256

    /// What is registered of a recipe that was read.
    init(_ manifest: ComponentManifest, text: String, at time: Date) {
        let recipe = manifest.recipe
        self.init(
            component: ComponentRecord(
                name: recipe.name, version: recipe.version,
                // One line in lists; the recipe has all of it.
                description: String(
                    recipe.description.prefix { !$0.isNewline }.prefix(Self.maximumDescription)),
                digest: Array(SHA256.hash(data: Data(text.utf8))), createTime: time,
                outputs: manifest.work.outputs),
            text: text, artifacts: recipe.allArtifacts, requirements: ComponentRequirements(manifest))
    }
}

extension Hedgerow_Registry_V1_Difference {
    init(_ difference: Difference) {
        self.init()
        section = difference.section
        subject = difference.subject
        setting = difference.setting
        from = difference.from
        to = difference.to
        switch difference.kind {
        case .added: kind = .added
        case .removed: kind = .removed
        case .changed: kind = .changed
        }
    }
}
