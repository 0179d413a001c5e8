import Components
import Foundation
import GRDB
import HedgerowAPI
import Identity
import Logging
import Messaging
import RPCSupport
import StreamStore
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import EdgeCore

/// What goes to streams that do not go to the cloud.
@Suite struct CloudlessStreamTests {
    /// What the cloud is to be told, as text.
    private func contents(_ core: ExportFixture, _ stream: String = "default") async throws -> [String] {
        let current = core.parts.epoch
        let entries = try await core.parts.committer.commit { db in
            let streams = DurableStreams(db)
            return try streams.epochs(of: stream, current: current).flatMap {
                try streams.entries(of: $0, after: $0.acknowledged, limit: .max, maximumBytes: .max)
            }
        }
        return entries.map { entry in
            switch entry.content {
            case .batch(let batch): "\(entry.positions) batch \(batch.origin.range)"
            case .lost(let reason, let origins):
                "\(entry.positions) \(LossReason(rawValue: reason) ?? .unspecified) "
                    + origins.map(\.range.description).joined(separator: ", ")
            }
        }
    }

    private func revision(_ subscriptions: [(String, String, String, String)])
        -> Hedgerow_Type_V1_GroupRevision
    {
        .exporting(["directory:out"], subscriptions: subscriptions)
    }

    @Test func whatGoesThereOnlyIsNotRoutedToTheCloud() async throws {
        try await withTemporaryDirectory { directory in
            let revision = revision([("thing:*", "#", "stream:s", "")])
            try await ExportFixture.process(in: directory, revision: revision) { core in
                try await core.declare("s")
                for number in UInt64(0)..<12 { try await core.publish(number * 100 + 1, number * 100 + 100) }
                // A thousand are told at once; the rest waits for more, or for the thing to go.
                #expect(try await contents(core) == ["1-1 notRoutedToCloud 1-1000"])
                #expect(try await contents(core, "s").isEmpty)
                #expect(try await core.describe("s").messages == 1_200)
            }
        }
    }

    @Test func theNextBatchForTheCloudCoversWhatStayedHere() async throws {
        try await withTemporaryDirectory { directory in
            let revision = revision([
                ("thing:*", "t/#", "stream:s", ""), ("thing:*", "both", "stream:s", ""),
                ("thing:*", "both", "cloud", ""),
            ])
            try await ExportFixture.process(in: directory, revision: revision) { core in
                try await core.declare("s")
                try await core.publish(1, 5)
                try await core.publish(6, 7, topic: "both")
                #expect(try await contents(core) == ["1-2 batch 1-7"])
                let export = try #require(core.directoryExport("s"))
                try await export.take(try await core.section("directory:out", of: "s"))
                #expect(try core.sequences() == Array(1...7))
            }
        }
    }
}
