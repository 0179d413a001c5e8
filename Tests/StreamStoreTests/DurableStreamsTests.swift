import Foundation
import GRDB
import Messaging
import StreamStore
import Testing

@Suite struct DurableStreamsTests {
    private static let overwritten = 2
    private static let rejected = 5
    private let large = StreamLimits(maximumBytes: 1 << 20, overwritesOldest: true)

    @discardableResult
    private func append(
        _ db: Database, _ origin: StreamEntry.OriginRange, count: Int = 1, bytes: Int = 100,
        to stream: String = "s",
        epoch number: UInt8 = 9, limits: StreamLimits? = nil
    ) throws -> DurableStreams.Outcome {
        try DurableStreams(db).append(
            StreamBatch(
                payload: [UInt8](repeating: 1, count: bytes), origin: origin, receiveTime: 7,
                isReceiveTimeDoubtful: true),
            count: count, to: stream, epoch: epoch(number), limits: limits ?? large,
            overwrittenReason: Self.overwritten)
    }

    private func current(_ db: Database, stream: String = "s", epoch number: UInt8 = 9) throws -> StreamEpoch
    {
        try #require(try DurableStreams(db).epochs(of: stream, current: epoch(number)).last)
    }

    private func all(_ db: Database, _ epoch: StreamEpoch, after sequence: UInt64 = 0) throws -> [StreamEntry]
    {
        try DurableStreams(db).entries(of: epoch, after: sequence, limit: .max, maximumBytes: .max)
    }

    @Test func whatIsAppendedIsReadInOrderAsItCame() async throws {
        try await withStore { pool in
            try await pool.write { db in
                try append(db, origin("a", 1, 5), count: 3, bytes: 10)
                try append(db, origin("b", 1, 1), bytes: 20)
                let entries = try all(db, try current(db))
                #expect(entries.map(\.positions.description) == ["1-3", "4-4"])
                guard case .batch(let batch) = entries[0].content else {
                    Issue.record("not the batch that was appended")
                    return
                }
                #expect(
                    batch
                        == StreamBatch(
                            payload: [UInt8](repeating: 1, count: 10), origin: origin("a", 1, 5),
                            receiveTime: 7,
                            isReceiveTimeDoubtful: true))
                #expect(try DurableStreams(db).bytes(in: "s") == 30)
                #expect(try DurableStreams(db).depth(of: "s") == 4)
                // At most so many, and after the first so many bytes.
                let streams = DurableStreams(db)
                #expect(
                    try streams.entries(of: current(db), after: 0, limit: 1, maximumBytes: .max).count == 1)
                #expect(try streams.entries(of: current(db), after: 0, limit: 9, maximumBytes: 5).count == 1)
                #expect(try streams.entries(of: current(db), after: 3, limit: 9, maximumBytes: 5).count == 1)
                #expect(try streams.entries(of: current(db), after: 4, limit: 9, maximumBytes: 5).isEmpty)
            }
        }
    }

    @Test func acknowledgingFreesTheSpaceAndNeverGoesBackOrBeyond() async throws {
        try await withStore { pool in
            try await pool.write { db in
                for number in UInt64(1)...4 { try append(db, origin("a", number, number), bytes: 10) }
                let streams = DurableStreams(db)
                try streams.acknowledge(try current(db), through: 2)
                #expect(try streams.bytes(in: "s") == 20)
                try streams.acknowledge(try current(db), through: 1)
                #expect(try current(db).acknowledged == 2)
                try streams.acknowledge(try current(db), through: 1_000)
                #expect(try current(db).acknowledged == 4)
                #expect(try streams.bytes(in: "s") == 0)
                #expect(try !current(db).hasBacklog)
            }
        }
    }

    @Test func aFullStreamThatRejectsTakesNothingAndOneThatOverwritesAccountsForIt() async throws {
        try await withStore { pool in
            try await pool.write { db in
                let streams = DurableStreams(db)
                let strict = StreamLimits(maximumBytes: 1_000, overwritesOldest: false)
                for number in UInt64(1)...2 {
                    #expect(
                        try append(db, origin("a", number, number), bytes: 500, to: "strict", limits: strict)
                            == .stored(overwritten: 0))
                }
                #expect(try append(db, origin("a", 3, 3), bytes: 1, to: "strict", limits: strict) == .full)
                #expect(
                    try append(db, origin("a", 3, 3), bytes: 1_001, to: "strict", limits: strict) == .tooLarge
                )
                #expect(try streams.bytes(in: "strict") == 1_000)

                let limits = StreamLimits(maximumBytes: 1_000, overwritesOldest: true)
                for number in UInt64(1)...2 {
                    try append(
                        db, origin("a", number * 2 - 1, number * 2), count: 2, bytes: 500, limits: limits)
                }
                #expect(
                    try append(db, origin("a", 5, 5), bytes: 600, limits: limits) == .stored(overwritten: 4))
                let entries = try all(db, try current(db))
                #expect(entries.map(\.positions.description) == ["1-4", "5-5"])
                guard case .lost(Self.overwritten, let origins) = entries[0].content else {
                    Issue.record("no account of what was overwritten")
                    return
                }
                #expect(origins == [origin("a", 1, 4)])
                #expect(try streams.bytes(in: "s") == 600)
                #expect(try streams.accounts(in: "s") == 1)
            }
        }
    }

    /// The uplink had sent the account and the receiver had it; then the account grew.
    @Test func anAccountThatGrewAfterItWasSentLeavesNoGap() async throws {
        try await withStore { pool in
            try await pool.write { db in
                let limits = StreamLimits(maximumBytes: 1_000, overwritesOldest: true)
                for number in UInt64(1)...4 {
                    try append(db, origin("a", number, number), bytes: 500, limits: limits)
                }
                let sent = try all(db, try current(db))
                #expect(sent.map(\.positions.description) == ["1-2", "3-3", "4-4"])
                try append(db, origin("a", 5, 5), bytes: 500, limits: limits)
                let next = try all(db, try current(db), after: 2)
                #expect(next.map(\.positions.description) == ["1-3", "4-4", "5-5"])
                try DurableStreams(db).acknowledge(try current(db), through: 2)
                let resumed = try all(db, try current(db), after: 2)
                #expect(resumed.first?.positions.description == "1-3")
            }
        }
    }

    @Test func accountsOfOneReasonInARowBecomeOne() async throws {
        try await withStore { pool in
            try await pool.write { db in
                let streams = DurableStreams(db)
                for number in UInt64(1)...500 {
                    try streams.appendLost(
                        origin("a", number, number), reason: Self.rejected, to: "s", epoch: epoch(9), now: 0)
                }
                try streams.appendLost(
                    origin("b", 1, 1), reason: Self.rejected, to: "s", epoch: epoch(9), now: 0)
                try streams.appendLost(
                    origin("b", 2, 2), reason: Self.overwritten, to: "s", epoch: epoch(9), now: 0)
                let entries = try all(db, try current(db))
                #expect(entries.map(\.positions.description) == ["1-501", "502-502"])
                guard case .lost(Self.rejected, let origins) = entries[0].content else {
                    Issue.record("not an account of rejections")
                    return
                }
                #expect(origins == [origin("a", 1, 500), origin("b", 1, 1)])
                #expect(try streams.accounts(in: "s") == 2)
                try streams.acknowledge(try current(db), through: 502)
                #expect(try streams.accounts(in: "s") == 0)
            }
        }
    }

    @Test func epochsComeInTheirOrderAndAreForgottenWhenDrained() async throws {
        try await withStore { pool in
            try await pool.write { db in
                let streams = DurableStreams(db)
                for number in UInt8(1)...6 {
                    try append(db, origin("a", UInt64(number), UInt64(number)), epoch: number)
                }
                var epochs = try streams.epochs(of: "s", current: epoch(7))
                #expect(epochs.map(\.epoch) == (1...7).map { epoch(UInt8($0)) })
                for drained in epochs.prefix(5) { try streams.acknowledge(drained, through: 1) }
                try streams.pruneEpochs(of: "s", keeping: 2, current: epoch(7))
                epochs = try streams.epochs(of: "s", current: epoch(7))
                #expect(epochs.map(\.epoch) == [4, 5, 6, 7].map { epoch($0) })
                #expect(epochs.map(\.oldest) == [1, 1, 1, 1])
                #expect(epochs.map(\.hasBacklog) == [false, false, true, false])
                #expect(try streams.names() == ["s"])
                // The oldest epoch with messages is overwritten first.
                let limits = StreamLimits(maximumBytes: 150, overwritesOldest: true)
                try append(db, origin("a", 7, 7), epoch: 7, limits: limits)
                let old = try #require(
                    try streams.epochs(of: "s", current: epoch(7)).first { $0.epoch == epoch(6) })
                guard case .lost? = try all(db, old).first?.content else {
                    Issue.record("the older epoch was not overwritten")
                    return
                }
            }
        }
    }

    /// A full stream must not cost more the more it holds: nothing on a batch's way walks over all of it.
    @Test func aBatchCostsTheSameHoweverMuchTheStreamHolds() async throws {
        try await withStore { pool in
            let small = try await fastest(pool, "small", holding: 60)
            let large = try await fastest(pool, "large", holding: 1_500)
            // 25 times as much; walking over it would cost about that.
            #expect(large < small * 6, "\(small) with 60, \(large) with 1,500")
        }
    }

    /// The shortest time that some appends and acknowledgements take to a full stream of so many batches.
    private func fastest(_ pool: DatabasePool, _ stream: String, holding count: UInt64) async throws
        -> Duration
    {
        try await pool.write { db in
            let limits = StreamLimits(maximumBytes: Int64(count) * 1_000, overwritesOldest: true)
            var next: UInt64 = 1
            func append() throws {
                try self.append(db, origin("a", next, next), bytes: 1_000, to: stream, limits: limits)
                next += 1
            }
            for _ in 0..<count { try append() }
            var fastest = Duration.seconds(1_000)
            for _ in 0..<10 {
                let start = ContinuousClock.now
                for _ in 0..<20 {
                    try append()
                    let epoch = try current(db, stream: stream)
                    _ = try DurableStreams(db).entries(of: epoch, after: next - 3, limit: 9, maximumBytes: 9)
                    try DurableStreams(db).acknowledge(epoch, through: 1)
                }
                fastest = min(fastest, ContinuousClock.now - start)
            }
            return fastest
        }
    }
}
