import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import Synchronization

/// A shadow service in memory: it keeps what each update said, tells it to who watches, and breaks where a test says so.
final class FakeShadowService: Hedgerow_Shadow_V1_ShadowService.SimpleServiceProtocol, Sendable {
    struct Memory: Sendable {
        /// What was accepted, by version from 1.
        var documents: [String] = []
        var requests = 0
        var running = 0
        var mostRunning = 0
        /// Updates that are made and whose answer is lost.
        var lostAnswers = 0
        /// Errors for calls to come, one each.
        var refusals: [HedgerowError] = []
        /// Calls wait until this is false.
        var holdsCalls = false
        var watches: [Hedgerow_Shadow_V1_WatchShadowRequest] = []
        /// Counts up to cut the watches that are under way.
        var cuts = 0
        var forgetsPositions = false
        var openWatches = 0
    }

    let name: String
    private let memory = Mutex(Memory())

    init(name: String) {
        self.name = name
    }

    var state: Memory { memory.withLock { $0 } }

    func change(_ body: (inout Memory) -> Void) {
        memory.withLock { body(&$0) }
    }

    private func enter(_ context: ServerContext) async throws {
        let refusal = memory.withLock { memory -> HedgerowError? in
            memory.requests += 1
            memory.running += 1
            memory.mostRunning = max(memory.mostRunning, memory.running)
            return memory.refusals.isEmpty ? nil : memory.refusals.removeFirst()
        }
        defer { memory.withLock { $0.running -= 1 } }
        while memory.withLock({ $0.holdsCalls }) {
            if context.cancellation.isCancelled { throw CancellationError() }
            try await Task.sleep(for: .milliseconds(5))
        }
        if let refusal { throw refusal }
    }

    func getShadow(
        request: Hedgerow_Shadow_V1_GetShadowRequest, context: ServerContext
    ) async throws -> Hedgerow_Shadow_V1_GetShadowResponse {
        try await enter(context)
        let documents = state.documents
        guard let document = documents.last else {
            throw HedgerowError(.notFound, .shadowNotFound, "there is no shadow")
        }
        return .with {
            $0.document = document
            $0.version = UInt64(documents.count)
            $0.updateTime.seconds = 1_777_890_600
        }
    }

    func updateShadow(
        request: Hedgerow_Shadow_V1_UpdateShadowRequest, context: ServerContext
    ) async throws -> Hedgerow_Shadow_V1_UpdateShadowResponse {
        try await enter(context)
        let (version, isLost) = memory.withLock { memory in
            memory.documents.append(request.document)
            let isLost = memory.lostAnswers > 0
            if isLost { memory.lostAnswers -= 1 }
            return (memory.documents.count, isLost)
        }
        if isLost { throw RPCError(code: .unavailable, message: "the line broke") }
        return .with { $0.version = UInt64(version) }
    }

    func deleteShadow(
        request: Hedgerow_Shadow_V1_DeleteShadowRequest, context: ServerContext
    ) async throws -> Hedgerow_Shadow_V1_DeleteShadowResponse {
        try await enter(context)
        if state.documents.isEmpty { throw HedgerowError(.notFound, .shadowNotFound, "there is no shadow") }
        change { $0.documents = [] }
        return .init()
    }

    /// Tells every document, with positions that name the server.
    func watchShadow(
        request: Hedgerow_Shadow_V1_WatchShadowRequest,
        response: RPCWriter<Hedgerow_Shadow_V1_WatchShadowResponse>, context: ServerContext
    ) async throws {
        let (cuts, forgets) = memory.withLock { memory in
            memory.watches.append(request)
            memory.openWatches += 1
            return (memory.cuts, memory.forgetsPositions)
        }
        defer { change { $0.openWatches -= 1 } }
        if request.name.contains(" ") {
            throw HedgerowError(.invalidArgument, .invalidField, "name is no name of a shadow")
        }
        var told = 0
        if !request.afterPosition.isEmpty {
            let parts = request.afterPosition.split(separator: ":")
            guard !forgets, parts.count == 2, parts[0] == name, let number = Int(parts[1]) else {
                throw HedgerowError(
                    .invalidArgument, .badPageToken, "the position is of no stream of this server")
            }
            told = number
        } else if let newest = state.documents.last {
            told = state.documents.count
            try await response.write(event(.current, told, newest))
        }
        try await response.write(.with { $0.caughtUp = true })
        while !context.cancellation.isCancelled {
            let memory = state
            if memory.cuts != cuts { throw RPCError(code: .unavailable, message: "the line broke") }
            while told < memory.documents.count {
                told += 1
                try await response.write(event(.accepted, told, memory.documents[told - 1]))
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    private func event(
        _ kind: Hedgerow_Shadow_V1_ShadowEventKind, _ version: Int, _ document: String
    ) -> Hedgerow_Shadow_V1_WatchShadowResponse {
        .with {
            $0.kind = kind
            $0.version = UInt64(version)
            $0.document = document
            $0.position = "\(name):\(version)"
        }
    }

    func listShadows(
        request: Hedgerow_Shadow_V1_ListShadowsRequest, context: ServerContext
    ) async throws -> Hedgerow_Shadow_V1_ListShadowsResponse {
        .init()
    }

    func listShadowHistory(
        request: Hedgerow_Shadow_V1_ListShadowHistoryRequest, context: ServerContext
    ) async throws -> Hedgerow_Shadow_V1_ListShadowHistoryResponse {
        .init()
    }

    func listShadowConflicts(
        request: Hedgerow_Shadow_V1_ListShadowConflictsRequest, context: ServerContext
    ) async throws -> Hedgerow_Shadow_V1_ListShadowConflictsResponse {
        .init()
    }

    func syncShadows(
        request: RPCAsyncSequence<Hedgerow_Shadow_V1_SyncShadowsRequest, any Error>,
        response: RPCWriter<Hedgerow_Shadow_V1_SyncShadowsResponse>, context: ServerContext
    ) async throws {
        throw RPCError(code: .unimplemented, message: "this fake has no cores")
    }
}
