import FoundationEssentials
import GRPCCore
import HedgerowAPI
import Identity
import Logging
import RPCSupport
import SwiftProtobuf

/// Looks into the streams of cores and works on them: answers from what cores reported, and passes on what only the core
/// can do.
struct StreamService: Hedgerow_Stream_V1_StreamService.SimpleServiceProtocol {
    /// How long a core may take for a command, beside what a read waits for messages.
    static let commandLimit: Duration = .seconds(15)
    /// Longest time that a read waits for messages.
    static let longestWait: Duration = .seconds(10)

    let cloud: CloudContext

    init(_ cloud: CloudContext) { self.cloud = cloud }

    // MARK: What was reported

    func listStreams(
        request: Hedgerow_Stream_V1_ListStreamsRequest, context: ServerContext
    ) async throws -> Hedgerow_Stream_V1_ListStreamsResponse {
        try AuthorizationTable.cloud.authorize(
            context, for: request.core.isEmpty ? .none : .core(request.core))
        let cores = try await cores(request)
        let size = try Paging.size(request.pageSize)
        let list = "streams/\(request.core)/\(request.group)"
        let last = try Paging.last(in: request.pageToken, list: list)
        let place = try last.map { try Self.place($0) }
        let streams = cloud.streamStatuses.streams(
            of: cores, behind: place, limit: size + 1, isAttached: cloud.hub.isAttached)
        let page = Paging.page(streams, size: size)
        var response = Hedgerow_Stream_V1_ListStreamsResponse()
        response.streams = page.entries
        if page.more, let last = page.entries.last {
            response.nextPageToken = Paging.token(list: list, after: "\(last.core)/\(last.stream)")
        }
        return response
    }

    func getStream(
        request: Hedgerow_Stream_V1_GetStreamRequest, context: ServerContext
    ) async throws -> Hedgerow_Stream_V1_GetStreamResponse {
        try AuthorizationTable.cloud.authorize(context, for: .core(request.core))
        try await checkTarget(core: request.core, stream: request.stream)
        var response = Hedgerow_Stream_V1_GetStreamResponse()
        response.stream = try stream(request.stream, of: request.core)
        return response
    }

    /// The cores that a list is of; nil where it is of all.
    private func cores(_ request: Hedgerow_Stream_V1_ListStreamsRequest) async throws -> Set<String>? {
        var check = RequestCheck()
        if !request.core.isEmpty { check.name(request.core, "core") }
        if !request.group.isEmpty { check.name(request.group, "group") }
        try check.finish()
        if !request.core.isEmpty { try requireCore(request.core) }
        guard !request.group.isEmpty else { return request.core.isEmpty ? nil : [request.core] }
        guard try await cloud.registry.group(named: request.group) != nil else {
            throw StoreError.notFound("no group \"\(request.group)\" exists")
        }
        let cores = Set(cloud.directory.cores(of: request.group))
        return request.core.isEmpty ? cores : cores.intersection([request.core])
    }

    private static func place(_ last: String) throws(HedgerowError) -> (core: String, stream: String) {
        let parts = last.split(separator: "/")
        guard parts.count == 2 else { throw Paging.foreignToken }
        return (String(parts[0]), String(parts[1]))
    }

    private func stream(_ name: String, of core: String) throws -> Hedgerow_Stream_V1_StreamStatus {
        if let stream = cloud.streamStatuses.stream(
            name, of: core, isAttached: cloud.hub.isAttached(core))
        {
            return stream
        }
        throw StoreError.notFound(
            "the core \"\(core)\" has not reported a stream \"\(name)\"; see hedgerow streams list --core \(core)"
        )
    }

    // MARK: What the core does

    func readStream(
        request: Hedgerow_Stream_V1_ReadStreamRequest, context: ServerContext
    ) async throws -> Hedgerow_Stream_V1_ReadStreamResponse {
        try AuthorizationTable.cloud.authorize(context, for: .core(request.core))
        try await checkTarget(core: request.core, stream: request.stream) { check in
            check.require(
                request.pageSize <= Paging.maximumSize, "page_size",
                "is \(request.pageSize); at most \(Paging.maximumSize) is allowed")
            check.require(
                !request.hasWait || (.zero...Self.longestWait).contains(request.wait.asDuration), "wait",
                "is not from 0 to \(Self.longestWait)")
            if case .position(let position) = request.start { Self.check(position, "position", &check) }
        }
        let result = try await run(
            on: request.core, wait: request.wait.asDuration, context: context
        ) { $0.read = request }
        guard case .read(let response) = result else { throw Self.unusable(request.core) }
        return response
    }

    func deleteStreamMessages(
        request: Hedgerow_Stream_V1_DeleteStreamMessagesRequest, context: ServerContext
    ) async throws -> Hedgerow_Stream_V1_DeleteStreamMessagesResponse {
        try AuthorizationTable.cloud.authorize(context, for: .core(request.core))
        try await checkTarget(core: request.core, stream: request.stream) { check in
            if request.hasThrough { Self.check(request.through, "through", &check) }
        }
        let result = try await run(on: request.core, context: context) { $0.delete = request }
        guard case .delete(let response) = result else { throw Self.unusable(request.core) }
        log(
            "messages of a stream deleted", request.core, request.stream,
            ["messages.count": "\(response.messages)"])
        return response
    }

    func pauseExport(
        request: Hedgerow_Stream_V1_PauseExportRequest, context: ServerContext
    ) async throws -> Hedgerow_Stream_V1_PauseExportResponse {
        try AuthorizationTable.cloud.authorize(context, for: .core(request.core))
        try await checkTarget(core: request.core, stream: request.stream) {
            Self.check(export: request.export, &$0)
        }
        let result = try await run(on: request.core, context: context) { $0.pause = request }
        guard case .pause(let response) = result else { throw Self.unusable(request.core) }
        log("export of a stream paused", request.core, request.stream, ["export": "\(request.export)"])
        return response
    }

    func resumeExport(
        request: Hedgerow_Stream_V1_ResumeExportRequest, context: ServerContext
    ) async throws -> Hedgerow_Stream_V1_ResumeExportResponse {
        try AuthorizationTable.cloud.authorize(context, for: .core(request.core))
        try await checkTarget(core: request.core, stream: request.stream) {
            Self.check(export: request.export, &$0)
        }
        let result = try await run(on: request.core, context: context) { $0.resume = request }
        guard case .resume(let response) = result else { throw Self.unusable(request.core) }
        log("export of a stream resumed", request.core, request.stream, ["export": "\(request.export)"])
        return response
    }

    // MARK: Parts

    private func checkTarget(
        core: String, stream: String, _ further: (inout RequestCheck) -> Void = { _ in }
    ) async throws {
        var check = RequestCheck()
        check.name(core, "core")
        check.name(stream, "stream")
        further(&check)
        try check.finish()
        try requireCore(core)
    }

    private func requireCore(_ core: String) throws {
        switch cloud.directory.kind(of: core) {
        case .core: return
        case .thing: throw StoreError.notFound("\"\(core)\" is a thing; streams are on cores")
        case nil: throw StoreError.notFound("no core \"\(core)\" exists")
        }
    }

    private static func check(
        _ position: Hedgerow_Stream_V1_StreamPosition, _ field: String, _ check: inout RequestCheck
    ) {
        check.require(
            position.epoch.count == 16, "\(field).epoch", "has \(position.epoch.count) bytes; it has 16")
    }

    private static func check(export: String, _ check: inout RequestCheck) {
        check.require(!export.isEmpty, "export", "is empty; name an export of the stream, such as cloud")
        check.require(
            export.utf8.count <= StreamStatusBoard.maximumText, "export",
            "has \(export.utf8.count) bytes; at most \(StreamStatusBoard.maximumText) are allowed")
    }

    /// Passes a command on to an attached core.
    private func run(
        on core: String, wait: Duration = .zero, context: ServerContext,
        _ fill: (inout Hedgerow_Deployment_V1_StreamCommand) -> Void
    ) async throws -> Hedgerow_Deployment_V1_StreamCommandResult.OneOf_Result {
        guard let mailbox = cloud.hub.mailbox(of: core) else { throw try await away(core) }
        var command = Hedgerow_Deployment_V1_StreamCommand()
        fill(&command)
        let time = cloud.time
        let result = try await untilCancelled(context) { [command] in
            try await mailbox.run(command, limit: Self.commandLimit + wait, time: time)
        }
        switch result.result {
        case .failure(let failure)?: throw Self.error(failure)
        case let result?: return result
        case nil: throw Self.unusable(core)
        }
    }

    private func away(_ core: String) async throws -> HedgerowError {
        var since: Date? = cloud.presence.lastLeft(core)
        if since == nil { since = try await cloud.registry.thing(named: core)?.lastSeenTime }
        let when = since.map { "has been away since \($0.formatted(.iso8601))" } ?? "was never attached"
        return HedgerowError(
            .unavailable, .coreAway,
            "the core \"\(core)\" \(when), so nothing can be asked of it; try again when it is attached",
            details: since.map { ["since": $0.formatted(.iso8601)] } ?? [:])
    }

    private static func error(_ failure: Hedgerow_Deployment_V1_StreamCommandFailure) -> HedgerowError {
        let status = Status.Code(rawValue: Int(failure.code)).flatMap { RPCError.Code($0) }
        return HedgerowError(
            status ?? .unknown, failure.reason, String(failure.message.prefix(1_000)))
    }

    private static func unusable(_ core: String) -> HedgerowError {
        HedgerowError(
            .unimplemented, .unspecified,
            "the core \"\(core)\" does not know this command; update its hedgerow-core")
    }

    private func log(_ what: Logger.Message, _ core: String, _ stream: String, _ facts: Logger.Metadata) {
        cloud.logger.notice(
            what, metadata: facts.merging(["core": "\(core)", "stream": "\(stream)"]) { own, _ in own })
    }
}
