import ArgumentParser
import Components
import Foundation
import GRPCCore
import HedgerowAPI
import Manifests
import PKI
import RPCSupport

/// The option that says which files of manifests are meant.
struct ManifestOptions: ParsableArguments, Sendable {
    @Option(
        name: [.customShort("f"), .customLong("file")],
        help: ArgumentHelp(
            "A file, a directory of .yaml, .yml and .json files, or - for standard input; may be repeated.",
            valueName: "file"),
        completion: .file())
    var file: [String]

    init() {}
}

/// Files of manifests, read and checked as far as that goes here.
struct ManifestFiles: Sendable {
    /// The files' names, as errors call them, and texts.
    let files: [(name: String, text: String)]
    /// The documents of all files, in their order, each with the index of its file.
    let documents: [(file: Int, document: ManifestDocument)]

    /// Reads files, directories and standard input.
    ///
    /// - Throws: ``CLIError`` where one cannot be read, or with every error of every file.
    static func read(_ paths: [String]) async throws -> ManifestFiles {
        let names = try await BlockingIO.run { try paths.flatMap(expand) }
        var seen = Set<String>()
        for name in names where !seen.insert(name).inserted {
            throw CLIError(.wrongUse, "\(name) is named twice", hint: "name each file once")
        }
        var files: [(name: String, text: String)] = []
        var documents: [(file: Int, document: ManifestDocument)] = []
        var errors: [ManifestError] = []
        for path in names {
            let name = path == "-" ? "standard input" : path
            let text = try await CommandIO.current.readText(path)
            do throws(ManifestErrors) {
                let found = try ManifestDocument.parseAll(text, fileName: name)
                documents += found.map { (files.count, $0) }
            } catch {
                errors += error.errors
            }
            files.append((name, text))
        }
        errors += ManifestDocument.repeats(in: documents.map(\.document))
        if !errors.isEmpty { throw CLIError(.wrongUse, lines: errors.map(\.description)) }
        return ManifestFiles(files: files, documents: documents)
    }

    /// The manifests of a directory, by name; its own directories are not looked into.
    @Sendable private static func expand(_ path: String) throws -> [String] {
        var isDirectory: ObjCBool = false
        guard path != "-", FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory),
            isDirectory.boolValue
        else { return [path] }
        let names = try FileManager.default.contentsOfDirectory(atPath: path).filter { name in
            !name.hasPrefix(".") && [".yaml", ".yml", ".json"].contains { name.hasSuffix($0) }
        }
        if names.isEmpty {
            throw CLIError(
                .wrongUse, "the directory \(path) has no manifests",
                hint: "their names end in .yaml, .yml or .json")
        }
        let base = path.hasSuffix("/") ? path : path + "/"
        return names.sorted().map { base + $0 }
    }

    /// Asks the cloud what applying the files would do.
    ///
    /// - Throws: ``CLIError`` with everything that the cloud finds wrong, each with file, line and column.
    func check(_ cloud: CloudSession) async throws -> [CheckedDocument] {
        var request = Hedgerow_Registry_V1_CheckManifestsRequest()
        request.files = files.map { file in
            var manifest = Hedgerow_Registry_V1_ManifestFile()
            manifest.text = file.text
            return manifest
        }
        let reply: Hedgerow_Registry_V1_CheckManifestsResponse
        do {
            reply = try await cloud.registry.checkManifests(request, options: cloud.options)
        } catch {
            throw explain(error)
        }
        guard reply.manifests.count == documents.count else {
            throw CLIError(
                .failure,
                "the cloud found \(reply.manifests.count) documents where there are \(documents.count)",
                hint: "use the same version of hedgerow and of the cloud")
        }
        return zip(documents, reply.manifests).map { CheckedDocument(document: $0.document, checked: $1) }
    }

    /// What the cloud found wrong, each with its place in its file.
    private func explain(_ error: any Error) -> any Error {
        guard let rpc = error as? RPCError, let ours = HedgerowError(rpc), !ours.violations.isEmpty else {
            return error
        }
        let lines = ours.violations.compactMap { violation -> String? in
            let place = violation.field.split(separator: ":").compactMap { Int($0) }
            guard place.count == 3, files.indices.contains(place[0]) else { return nil }
            return "\(files[place[0]].name):\(place[1]):\(place[2]): \(violation.description)"
        }
        return lines.count == ours.violations.count
            ? CLIError(CLIError.status(of: ours.reason), lines: lines) : error
    }
}

/// A document and what the cloud says that applying it would do.
struct CheckedDocument: Sendable {
    let document: ManifestDocument
    let checked: Hedgerow_Registry_V1_CheckedManifest

    /// `created`, `changed` or `unchanged`.
    var word: String {
        switch checked.change {
        case .created: "created"
        case .changed: "changed"
        case .unchanged, .unspecified, .UNRECOGNIZED: "unchanged"
        }
    }

    /// Its version or revision, for people.
    var number: String {
        switch document.content {
        case .component(let manifest): manifest.recipe.version.description
        case .alias(let alias): alias.version.description
        case .group: "\(checked.revision)"
        case .thing, .thingType: ""
        }
    }

    /// Its name among all documents, for people: `Group press-hall`, `Component smooth 1.0.0`, `Alias smooth@live 1.0.0`.
    var title: String {
        switch document.content {
        case .component, .alias: "\(document.kind) \(document.name) \(number)"
        case .group, .thing, .thingType: "\(document.kind) \(document.name)"
        }
    }

    /// Where its kind comes in the order of making.
    var rank: Int { ManifestDocument.kinds.firstIndex(of: document.kind) ?? 0 }
}
