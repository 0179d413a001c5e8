import Components
import Foundation
import GRPCCore
import HedgerowAPI
import Manifests
import RPCSupport

/// Makes what documents describe, one after the other, after the cloud has found nothing wrong with any.
struct Applying: Sendable {
    let documents: [CheckedDocument]

    /// Makes everything, in an order that works.
    ///
    /// - Returns: one outcome a document, in the documents' order.
    /// - Throws: ``CLIError`` that says what was made before the error, and what was not.
    func run(_ cloud: CloudSession, _ progress: Progress) async throws -> [ApplyOutcome] {
        var outcomes = documents.map { ApplyOutcome(document: $0) }
        let order = documents.indices.sorted {
            (documents[$0].rank, $0) < (documents[$1].rank, $1)
        }.filter { documents[$0].word != "unchanged" }
        for (position, index) in order.enumerated() {
            let document = documents[index]
            progress.say("applying \(document.title), \(position + 1) of \(order.count)")
            do {
                outcomes[index].group = try await make(document, cloud)
            } catch let error as CancellationError {
                throw error
            } catch {
                throw explain(error, made: order[..<position], at: index, left: order[(position + 1)...])
            }
        }
        return outcomes
    }

    /// - Returns: the cloud's answer about a group, nil for other kinds.
    private func make(
        _ document: CheckedDocument, _ cloud: CloudSession
    ) async throws -> Hedgerow_Registry_V1_ApplyGroupResponse? {
        switch document.document.content {
        case .thingType(let type):
            var request = Hedgerow_Registry_V1_PutThingTypeRequest()
            request.type.name = type.name
            request.type.description_p = type.description
            request.type.attributes = type.attributes
            _ = try await cloud.registry.putThingType(request, options: cloud.options)
        case .thing(let thing) where document.word == "created":
            var request = Hedgerow_Registry_V1_CreateThingRequest()
            request.requestID = UUID().uuidString
            request.name = thing.name
            request.kind = thing.isCore ? .core : .thing
            request.type = thing.type
            request.attributes = thing.attributes
            _ = try await cloud.registry.createThing(request, options: cloud.options)
        case .thing(let thing):
            var request = Hedgerow_Registry_V1_SetThingAttributesRequest()
            request.name = thing.name
            request.type = thing.type
            request.attributes = thing.attributes
            request.replace = true
            _ = try await cloud.registry.setThingAttributes(request, options: cloud.options)
        case .component:
            var request = Hedgerow_Registry_V1_RegisterComponentRequest()
            request.recipe = document.document.text
            _ = try await cloud.registry.registerComponent(request, options: cloud.options)
        case .alias(let alias):
            var request = Hedgerow_Registry_V1_SetComponentAliasRequest()
            request.component = alias.component
            request.alias = alias.name
            request.version = alias.version.description
            _ = try await cloud.registry.setComponentAlias(request, options: cloud.options)
        case .group:
            var request = Hedgerow_Registry_V1_ApplyGroupRequest()
            request.definition = document.document.text
            return try await cloud.registry.applyGroup(request, options: cloud.options)
        }
        return nil
    }

    /// What was made when something failed between: the cloud's check said that all would go well, so that the line or
    /// the disk failed, or somebody else was faster.
    private func explain(
        _ error: any Error, made: ArraySlice<Int>, at index: Int, left: ArraySlice<Int>
    ) -> any Error {
        func titles(_ indices: some Sequence<Int>) -> String {
            indices.map { documents[$0].title }.joined(separator: ", ")
        }
        let caller = CallerError(error)
        var lines = places(in: error, of: documents[index].document)
        let isAnswer = if case .answered = caller.kind { true } else { false }
        if lines.isEmpty { lines = CLIError(caller).lines }
        lines.append(made.isEmpty ? "nothing was made" : "made before that: \(titles(made))")
        if !isAnswer { lines.append("whether \(documents[index].title) was made, the cloud did not say") }
        let rest = (isAnswer ? [index] : []) + left
        lines.append(
            (rest.isEmpty ? "" : "not made: \(titles(rest)); ")
                + "apply the same files again to go on, what is there already changes nothing")
        return CLIError(CLIError(caller).status, lines: lines)
    }

    /// What the cloud found wrong after all, with places in the file.
    private func places(in error: any Error, of document: ManifestDocument) -> [String] {
        guard let rpc = error as? RPCError, let ours = HedgerowError(rpc) else { return [] }
        return ours.violations.compactMap { violation in
            let place = violation.field.split(separator: ":").compactMap { Int($0) }
            guard place.count == 2 else { return nil }
            return document.error(line: place[0], column: place[1], violation.description).description
        }
    }
}
