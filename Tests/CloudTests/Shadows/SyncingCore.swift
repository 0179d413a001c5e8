import Foundation
import GRPCCore
import HedgerowAPI
import PKI
import RPCSupport
import ShadowStore
import Shadows
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import Cloud

/// A core's side of a sync, in the hands of a test: it says what the test says, and remembers what it was told.
final class SyncingCore: Sendable {
    private struct State {
        var received: [Hedgerow_Shadow_V1_SyncShadowsResponse] = []
        var isEnded = false
        var error: RPCError?
    }

    private let state = Mutex(State())
    private let outgoing: AsyncStream<Hedgerow_Shadow_V1_SyncShadowsRequest>.Continuation
    private let requests: AsyncStream<Hedgerow_Shadow_V1_SyncShadowsRequest>

    init() {
        (requests, outgoing) = AsyncStream.makeStream()
    }

    func send(_ fill: (inout Hedgerow_Shadow_V1_SyncShadowsRequest) throws -> Void) rethrows {
        var request = Hedgerow_Shadow_V1_SyncShadowsRequest()
        try fill(&request)
        outgoing.yield(request)
    }

    func start(
        core: String = "c", group: String = "g", revision: UInt64 = 1, database: Data = Data(),
        taken: UInt64 = 0
    ) {
        send {
            $0.start.core = core
            $0.start.group = group
            $0.start.revision = revision
            $0.start.database = database
            $0.start.takenChange = taken
        }
    }

    func hangUp() { outgoing.finish() }

    /// Runs the call until it ends.
    func run(_ client: ShadowClient) async {
        do {
            try await client.syncShadows(
                request: StreamingClientRequest { writer in
                    for await request in self.requests { try await writer.write(request) }
                }
            ) { response in
                for try await message in response.messages {
                    self.state.withLock { $0.received.append(message) }
                }
            }
        } catch {
            state.withLock { $0.error = error as? RPCError }
        }
        state.withLock { $0.isEnded = true }
    }

    var received: [Hedgerow_Shadow_V1_SyncShadowsResponse] { state.withLock { $0.received } }
    var changes: [Hedgerow_Shadow_V1_SyncChange] { received.flatMap(\.changes) }
    var written: [Hedgerow_Shadow_V1_SyncWritten] { received.flatMap(\.written) }
    var told: UInt64 { received.map(\.toldChange).max() ?? 0 }
    /// Bytes that came.
    var bytes: Int { received.reduce(0) { $0 + ((try? $1.serializedData().count) ?? 0) } }

    /// The reason of ours that the stream ended with.
    func endReason() async throws -> HedgerowError {
        try await eventually("the sync ends", holds: { self.state.withLock { $0.isEnded } })
        let error = try #require(state.withLock { $0.error })
        return try #require(HedgerowError(error))
    }

    func started() async throws -> Hedgerow_Shadow_V1_SyncStarted {
        try await eventually("the sync begins") { self.received.first.map(\.started) }
    }

    /// Reads a thing, and returns what the cloud has of it.
    func read(_ thing: String) async throws -> [Hedgerow_Shadow_V1_SyncChange] {
        send { $0.reads = [.with { $0.thing = thing }] }
        try await eventually("\(thing) is read") {
            self.received.contains { $0.read.contains { $0.thing == thing } }
        }
        return changes.filter { $0.thing == thing }
    }

    /// Writes a document, and returns what became of it.
    func write(
        _ id: UInt64, _ thing: String, _ document: StoredShadow, expecting: (StoredShadow, UInt64)? = nil,
        name: String = "", conflicts: [Hedgerow_Shadow_V1_ShadowConflict] = []
    ) async throws -> Hedgerow_Shadow_V1_SyncWritten {
        send {
            $0.writes = [
                .with {
                    $0.id = id
                    $0.thing = thing
                    $0.name = name
                    $0.document = .init(document)
                    if let (shadow, version) = expecting {
                        $0.expectedIncarnation = Data(shadow.incarnation.bytes)
                        $0.expectedVersion = version
                    }
                    $0.conflicts = conflicts
                }
            ]
        }
        return try await eventually("write \(id) is answered") { self.written.first { $0.id == id } }
    }
}

extension StoredShadow {
    /// A document with one number under reported.
    static func reporting(
        _ value: Int64, version: UInt64 = 1, incarnation: ShadowIncarnation = .random()
    ) -> StoredShadow {
        .present(
            ShadowDocument(
                desired: nil, reported: ["n": .integer(value)], version: version, incarnation: incarnation,
                updateTime: 1_000_000))
    }

    /// Its deletion.
    func deleted(version: UInt64) -> StoredShadow {
        .deleted(ShadowTombstone(incarnation: incarnation, version: version, deleteTime: 2_000_000))
    }
}

extension ShadowFleet {
    /// Syncs as a core while the body runs.
    func sync(
        as identity: ClientIdentity? = nil, _ body: @Sendable @escaping (SyncingCore) async throws -> Void
    ) async throws {
        let core = SyncingCore()
        try await call(as: identity ?? self.core) { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await core.run(client) }
                do {
                    try await body(core)
                } catch {
                    group.cancelAll()
                    throw error
                }
                core.hangUp()
                try await group.waitForAll()
            }
        }
    }
}
