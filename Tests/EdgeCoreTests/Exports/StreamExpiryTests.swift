import Components
import Foundation
import GRDB
import HedgerowAPI
import Identity
import Logging
import Messaging
import RPCSupport
import StreamStore
import Supervision
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import EdgeCore

/// A time to live of ten minutes, and clocks that tests turn.
@Suite struct StreamExpiryTests {
    private static let minute: Int64 = 60_000_000
    private let revision = Hedgerow_Type_V1_GroupRevision.exporting(["cloud"], timeToLive: 600)

    /// The clock that only goes forward, and looks of the service at it.
    private final class Watch {
        let expiry: StreamExpiry
        var state: StreamExpiry.State
        let core: ExportFixture

        init(_ core: ExportFixture) async throws {
            self.core = core
            let box = Box()
            expiry = StreamExpiry(
                parts: core.parts, clock: MonotonicClock(now: { box.value }, sleep: { _ in }))
            self.box = box
            state = try await expiry.begin()
        }

        private let box: Box

        /// Both clocks go on, minute by minute, with a look after each.
        func pass(minutes: Int) async throws {
            for _ in 0..<minutes {
                core.time.now += StreamExpiryTests.minute
                box.value += .seconds(60)
                try await expiry.look(&state)
            }
        }

        /// Somebody sets the wall clock; the service sees it at its next look.
        func set(by minutes: Int64) async throws {
            core.time.now += minutes * StreamExpiryTests.minute
            box.value += .seconds(1)
            try await expiry.look(&state)
        }
    }

    private final class Box: Sendable {
        private let state = Mutex(Duration.seconds(5))
        var value: Duration {
            get { state.withLock { $0 } }
            set { state.withLock { $0 = newValue } }
        }
    }

    private func messages(_ core: ExportFixture) async throws -> UInt64 {
        try await core.describe("s").messages
    }

    @Test func whatIsTooOldIsEnteredAsLost() async throws {
        try await withTemporaryDirectory { directory in
            try await ExportFixture.process(in: directory, revision: revision) { core in
                let watch = try await Watch(core)
                try await core.publish(1, 3)
                try await watch.pass(minutes: 5)
                try await core.publish(4, 6)
                try await watch.pass(minutes: 5)
                #expect(try await messages(core) == 6)
                try await watch.pass(minutes: 1)
                #expect(try await messages(core) == 3)
                let epoch = core.parts.epoch
                let entries = try await core.parts.committer.commit { db in
                    let streams = DurableStreams(db)
                    let current = try #require(try streams.epochs(of: "s", current: epoch).last)
                    return try streams.entries(of: current, after: 0, limit: 10, maximumBytes: .max)
                }
                guard case .lost(LossReason.expired.rawValue, let origins)? = entries.first?.content else {
                    Issue.record("no account of what expired")
                    return
                }
                #expect(entries.map(\.positions.description) == ["1-3", "4-6"])
                #expect(origins.map(\.range) == [range(1, 3)])
                #expect(try await core.describe("s").accounts == 1)
            }
        }
    }

    @Test func whatTheCloudHasIsNotLost() async throws {
        try await withTemporaryDirectory { directory in
            let revision = Hedgerow_Type_V1_GroupRevision.exporting(
                ["cloud", "directory:out"], timeToLive: 600)
            try await ExportFixture.process(in: directory, revision: revision) { core in
                try await core.declare("s")
                let watch = try await Watch(core)
                try await core.publish(1, 3)
                try await core.acknowledgeForCloud("s", through: 3)
                #expect(try await messages(core) == 3)
                try await watch.pass(minutes: 11)
                let description = try await core.describe("s")
                #expect(description.messages == 0 && description.accounts == 0 && description.bytes == 0)
            }
        }
    }

    @Test func whatExpiredWhileTheCoreWasOffGoesAtItsStart() async throws {
        try await withTemporaryDirectory { directory in
            try await ExportFixture.process(in: directory, revision: revision) { core in
                for number in UInt64(1)...1_200 { try await core.publish(number, number) }
            }
            let later = TestTime(1_700_000_000_000_000 + 11 * Self.minute)
            try await ExportFixture.process(in: directory, time: later) { core in
                let watch = try await Watch(core)
                try await core.publish(1_201, 1_202)
                try await watch.expiry.look(&watch.state)
                #expect(try await messages(core) == 2)
                #expect(try await core.describe("s").accounts == 1)
            }
        }
    }

    /// A machine without a battery clock: what it received before its clock was set looks days old, and is not.
    @Test func settingTheClockForwardLetsNothingExpire() async throws {
        try await withTemporaryDirectory { directory in
            try await ExportFixture.process(in: directory, revision: revision) { core in
                try await core.publish(1, 3)
            }
            try await ExportFixture.process(in: directory) { core in
                let watch = try await Watch(core)
                try await core.publish(4, 6)
                try await watch.pass(minutes: 1)
                try await watch.set(by: 3 * 24 * 60)
                try await watch.pass(minutes: 8)
                try await core.publish(7, 9)
                #expect(try await messages(core) == 9)
                // It is certain now that all from before lay there for ten minutes.
                try await watch.pass(minutes: 2)
                #expect(try await messages(core) == 3)
                try await watch.pass(minutes: 9)
                #expect(try await messages(core) == 0)
            }
        }
    }

    /// The jump is remembered: a restart does not make the old times right.
    @Test func aRestartAfterTheClockWasSetLetsNothingExpire() async throws {
        try await withTemporaryDirectory { directory in
            let time = TestTime(1_700_000_000_000_000)
            try await ExportFixture.process(in: directory, revision: revision, time: time) { core in
                let watch = try await Watch(core)
                try await core.publish(1, 3)
                try await watch.set(by: 3 * 24 * 60)
            }
            try await ExportFixture.process(in: directory, time: time) { core in
                let watch = try await Watch(core)
                try await core.publish(4, 6)
                try await watch.pass(minutes: 9)
                #expect(try await messages(core) == 6)
                try await watch.pass(minutes: 2)
                #expect(try await messages(core) == 0)
            }
        }
    }

    @Test func settingTheClockBackKeepsNothingLonger() async throws {
        try await withTemporaryDirectory { directory in
            try await ExportFixture.process(in: directory, revision: revision) { core in
                let watch = try await Watch(core)
                try await core.publish(1, 3)
                try await watch.pass(minutes: 2)
                try await watch.set(by: -24 * 60)
                try await watch.pass(minutes: 9)
                #expect(try await messages(core) == 0)
            }
        }
    }

    @Test func whatWasReceivedByADoubtfulClockWaitsForTheOtherOne() async throws {
        try await withTemporaryDirectory { directory in
            try await ExportFixture.process(in: directory, revision: revision) { core in
                core.time.isDoubtful = true
                try await core.publish(1, 3)
            }
            let later = TestTime(1_700_000_000_000_000 + 60 * Self.minute)
            try await ExportFixture.process(in: directory, time: later) { core in
                let watch = try await Watch(core)
                try await watch.pass(minutes: 9)
                #expect(try await messages(core) == 3)
                try await watch.pass(minutes: 1)
                #expect(try await messages(core) == 0)
            }
        }
    }

    @Test func whileTheClockIsDoubtfulOnlyTheOtherOneCounts() async throws {
        try await withTemporaryDirectory { directory in
            try await ExportFixture.process(in: directory, revision: revision) { core in
                try await core.publish(1, 3)
            }
            let later = TestTime(1_700_000_000_000_000 + 60 * Self.minute)
            later.isDoubtful = true
            try await ExportFixture.process(in: directory, time: later) { core in
                let watch = try await Watch(core)
                try await watch.pass(minutes: 5)
                #expect(try await messages(core) == 3)
                core.time.isDoubtful = false
                try await watch.pass(minutes: 1)
                #expect(try await messages(core) == 0)
            }
        }
    }

    @Test func aStreamWithoutATimeToLiveKeepsEverything() async throws {
        try await withTemporaryDirectory { directory in
            let revision = Hedgerow_Type_V1_GroupRevision.exporting(["cloud"])
            try await ExportFixture.process(in: directory, revision: revision) { core in
                let watch = try await Watch(core)
                try await core.publish(1, 3)
                try await watch.pass(minutes: 600)
                #expect(try await messages(core) == 3)
            }
        }
    }
}
