import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf

/// Gathers what a core is told, and sends it in messages of bounded size. Of one message a core takes the answers to its
/// writes first, and then what changed: so no answer joins a message that has changes already, which may be older.
struct ShadowSyncOutbox {
    /// Most entries of a message.
    static let maximumEntries = 100
    /// Bytes above which a message is sent without waiting for more.
    static let maximumBytes = 1 << 20

    private let writer: RPCWriter<Hedgerow_Shadow_V1_SyncShadowsResponse>
    private var response = Hedgerow_Shadow_V1_SyncShadowsResponse()
    private var entries = 0
    private var bytes = 0

    init(_ writer: RPCWriter<Hedgerow_Shadow_V1_SyncShadowsResponse>) {
        self.writer = writer
    }

    /// Says that the sync begins, in a message of its own.
    func start(_ started: Hedgerow_Shadow_V1_SyncStarted) async throws {
        try await writer.write(.with { $0.started = started })
    }

    mutating func add(_ change: Hedgerow_Shadow_V1_SyncChange) async throws {
        response.changes.append(change)
        try await count(change.document.state.count + change.document.metadata.count)
    }

    mutating func add(_ written: Hedgerow_Shadow_V1_SyncWritten) async throws {
        if !response.changes.isEmpty || !response.read.isEmpty || response.toldChange > 0 {
            try await flush()
        }
        response.written.append(written)
        let document = written.refused.document
        try await count(document.state.count + document.metadata.count)
    }

    mutating func add(read thing: String) async throws {
        response.read.append(.with { $0.thing = thing })
        try await count(0)
    }

    mutating func setTold(_ change: Int64) { response.toldChange = UInt64(clamping: change) }

    private mutating func count(_ size: Int) async throws {
        entries += 1
        bytes += size + 256
        if entries >= Self.maximumEntries || bytes >= Self.maximumBytes { try await flush() }
    }

    /// Sends what is gathered, if anything is.
    mutating func flush() async throws {
        guard entries > 0 || response.toldChange > 0 else { return }
        let message = response
        response = .init()
        (entries, bytes) = (0, 0)
        try await writer.write(message)
    }
}
