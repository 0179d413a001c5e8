import Foundation
import GRDB
import Messaging
import StreamStore
import Testing

/// What a stream remembers of what its receiver has, for a receiver that forgets.
@Suite struct ExportedOriginsTests {
    private static let limits = StreamLimits(maximumBytes: 1 << 20, overwritesOldest: true)
    private static let restored = 9
    private static let notRouted = 4

    private let queue: DatabaseQueue
    private let epoch = Epoch.random()
    private let things = [
        OriginKey(thing: "press-1", epoch: .random()), OriginKey(thing: "press-2", epoch: .random()),
    ]

    init() throws {
        queue = try DatabaseQueue()
        try queue.write {
            try DurableStreams.createTables($0)
            try DurableStreams.addDerivation($0)
            try DurableStreams.addTraces($0)
            try DurableStreams.addChecksums($0)
            try DurableStreams.addExports($0)
        }
    }

    private func range(_ first: UInt64, _ last: UInt64) -> SequenceRange {
        var range = SequenceRange(only: first)
        range.last = last
        return range
    }

    private func append(_ key: OriginKey, _ range: ClosedRange<UInt64>) throws {
        let sequences = try #require(SequenceRange(range.lowerBound, range.upperBound))
        try queue.write { db in
            _ = try DurableStreams(db).append(
                StreamBatch(
                    payload: [1, 2, 3], origin: .init(key: key, range: sequences), receiveTime: 0,
                    isReceiveTimeDoubtful: false),
                count: range.count, to: "default", epoch: epoch, limits: Self.limits, overwrittenReason: 1)
        }
    }

    private func appendLost(_ key: OriginKey, _ range: ClosedRange<UInt64>) throws {
        let sequences = try #require(SequenceRange(range.lowerBound, range.upperBound))
        try queue.write { db in
            try DurableStreams(db).appendLost(
                .init(key: key, range: sequences), reason: Self.notRouted, to: "default", epoch: epoch, now: 0
            )
        }
    }

    private func current() throws -> StreamEpoch {
        try #require(try queue.write { try DurableStreams($0).epochs(of: "default", current: epoch).last })
    }

    private func acknowledge(through sequence: UInt64) throws {
        let epoch = try current()
        try queue.write { try DurableStreams($0).acknowledge(epoch, through: sequence) }
    }

    private func exported(after sequence: UInt64) throws -> [StreamEntry] {
        let epoch = try current()
        return try queue.read {
            try DurableStreams($0).exported(of: epoch, after: sequence, reason: Self.restored)
        }
    }

    @Test("publishers that take turns are remembered as one run each") func interleaved() throws {
        for number in UInt64(1)...500 {
            for key in things { try append(key, number...number) }
        }
        try acknowledge(through: 1_000)
        #expect(try queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM stream_exported") } == 2)
        let entries = try exported(after: 300)
        #expect(entries.map(\.positions) == [range(301, 1_000)])
        guard case .lost(let reason, let origins)? = entries.first?.content else {
            Issue.record("no account of what was forgotten")
            return
        }
        #expect(reason == Self.restored)
        #expect(Set(origins) == Set(things.map { StreamEntry.OriginRange(key: $0, range: range(1, 500)) }))
    }

    @Test("what the receiver was told to be lost is told again, with its reason") func losses() throws {
        try append(things[0], 1...3)
        try appendLost(things[0], 4...9)
        try append(things[0], 10...12)
        try acknowledge(through: 7)
        let entries = try exported(after: 0)
        #expect(entries.first?.positions.first == 1)
        #expect(entries.last?.positions.last == 7)
        for (entry, next) in zip(entries, entries.dropFirst()) {
            #expect(entry.positions.last + 1 == next.positions.first, "every sequence once")
        }
        var found: [Int: [SequenceRange]] = [:]
        for case .lost(let reason, let origins) in entries.map(\.content) {
            found[reason, default: []] += origins.map(\.range)
        }
        #expect(found[Self.notRouted] == [range(4, 9)])
        #expect(found[Self.restored] == [range(1, 3), range(10, 12)])
    }

    @Test("a thousand publishers at one time fit into as many sequences as there are") func many() throws {
        let keys = (0..<2_500).map { OriginKey(thing: "thing-\($0)", epoch: .random()) }
        for key in keys { try append(key, 1...1) }
        try acknowledge(through: 2_500)
        let entries = try exported(after: 0)
        #expect(entries.count == 3)
        #expect(entries.last?.positions.last == 2_500)
        let origins = entries.reduce(0) { sum, entry in
            if case .lost(_, let origins) = entry.content { sum + origins.count } else { sum }
        }
        #expect(origins == 2_500)
    }

    @Test("a receiver that forgot nothing is told nothing") func nothing() throws {
        try append(things[0], 1...3)
        try acknowledge(through: 3)
        #expect(try exported(after: 3).isEmpty)
    }
}
