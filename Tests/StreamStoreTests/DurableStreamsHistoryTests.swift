import Foundation
import GRDB
import Messaging
import StreamStore
import TestSupport
import Testing

/// Random histories of a stream against what must hold at every moment.
@Suite struct DurableStreamsHistoryTests {
    private struct Model {
        var appended: [OriginKey: SequenceSet] = [:]
        var acknowledged: [OriginKey: SequenceSet] = [:]
        var next: [String: UInt64] = [:]
    }

    @Test(arguments: 1...8) func everythingAppendedIsThereAcknowledgedOrAccountedFor(seed: Int) async throws {
        try await withStore { pool in
            try await pool.write { db in
                var random = SeededGenerator(seed: UInt64(seed))
                var model = Model()
                var current: UInt8 = 100
                let limits = StreamLimits(maximumBytes: 40_000, overwritesOldest: true)
                for step in 0..<150 {
                    switch Int.random(in: 0..<20, using: &random) {
                    case 0..<11:
                        let count = Int.random(in: 1...5, using: &random)
                        let origin = draw(covering: count, &model, &random)
                        let bytes = Int.random(in: 1...4_000, using: &random)
                        _ = try DurableStreams(db).append(
                            StreamBatch(
                                payload: [UInt8](repeating: 0, count: bytes), origin: origin, receiveTime: 0,
                                isReceiveTimeDoubtful: false),
                            count: count, to: "s", epoch: epoch(current), limits: limits, overwrittenReason: 2
                        )
                    case 11..<15:
                        let origin = draw(covering: 1, &model, &random)
                        try DurableStreams(db).appendLost(
                            origin, reason: Int.random(in: 5...6, using: &random), to: "s",
                            epoch: epoch(current),
                            now: 0)
                    case 15..<19: try acknowledge(db, current, &model, &random)
                    default: current += 1
                    }
                    if step % 5 == 4 { try check(db, current, model, &random, "seed \(seed)") }
                }
            }
        }
    }

    private func draw(
        covering count: Int, _ model: inout Model, _ random: inout SeededGenerator
    ) -> StreamEntry.OriginRange {
        let thing = ["a", "b", "c"].randomElement(using: &random) ?? "a"
        // A thing's own messages, and what two outputs of a chain made of them: each has sequences of its own.
        let component = ["", "i#0", "i#0/j#65535"].randomElement(using: &random) ?? ""
        let first = model.next[thing + component] ?? 1
        let last = first + UInt64(count - 1) + UInt64.random(in: 0...2, using: &random)
        model.next[thing + component] = last + 1
        let origin = origin(thing, first, last, component: component)
        model.appended[origin.key, default: SequenceSet()].insert(origin.range)
        return origin
    }

    private func acknowledge(
        _ db: Database, _ current: UInt8, _ model: inout Model, _ random: inout SeededGenerator
    ) throws {
        let streams = DurableStreams(db)
        guard let epoch = try streams.epochs(of: "s", current: epoch(current)).randomElement(using: &random)
        else { return }
        let through = UInt64.random(
            in: epoch.acknowledged...max(epoch.acknowledged, epoch.next - 1), using: &random)
        for entry in try streams.entries(of: epoch, after: 0, limit: .max, maximumBytes: .max)
        where entry.positions.last <= through {
            for origin in origins(of: entry) {
                model.acknowledged[origin.key, default: SequenceSet()].insert(origin.range)
            }
        }
        try streams.acknowledge(epoch, through: through)
    }

    private func origins(of entry: StreamEntry) -> [StreamEntry.OriginRange] {
        switch entry.content {
        case .batch(let batch): [batch.origin]
        case .lost(_, let origins): origins
        }
    }

    private func check(
        _ db: Database, _ current: UInt8, _ model: Model, _ random: inout SeededGenerator, _ seed: Comment
    ) throws {
        let streams = DurableStreams(db)
        var bytes: Int64 = 0
        var accounts = 0
        var known = model.acknowledged
        var exported: [OriginKey: SequenceSet] = [:]
        for epoch in try streams.epochs(of: "s", current: epoch(current)) {
            let entries = try streams.entries(
                of: epoch, after: epoch.acknowledged, limit: .max, maximumBytes: .max)
            for entry in entries {
                switch entry.content {
                case .batch(let batch): bytes += Int64(batch.payload.count)
                case .lost(_, let origins):
                    accounts += 1
                    #expect(UInt64(origins.count) <= entry.positions.count, seed)
                }
                for origin in origins(of: entry) {
                    #expect(
                        known[origin.key, default: SequenceSet()].missing(from: origin.range) == [
                            origin.range
                        ],
                        "\(seed): an origin is there twice")
                    known[origin.key, default: SequenceSet()].insert(origin.range)
                }
            }
            // From wherever the receiver is, what follows joins without gap to the end.
            let after = UInt64.random(
                in: epoch.acknowledged...max(epoch.acknowledged, epoch.next - 1), using: &random)
            var reached = after
            while true {
                let part = try streams.entries(of: epoch, after: reached, limit: 3, maximumBytes: 10_000)
                guard let first = part.first else { break }
                #expect(first.positions.first <= reached + 1, "\(seed): a gap after \(reached)")
                for (a, b) in zip(part, part.dropFirst()) {
                    #expect(b.positions.first == a.positions.last + 1, "\(seed): a gap in a part")
                }
                reached = part.last?.positions.last ?? reached
            }
            #expect(reached == epoch.next - 1, "\(seed): the end is not reached")
            var told: UInt64 = 0
            for run in try streams.exported(of: epoch, after: 0, reason: 7) {
                #expect(run.positions.first == told + 1, "\(seed): a gap in what was exported")
                told = run.positions.last
                for origin in origins(of: run) {
                    exported[origin.key, default: SequenceSet()].insert(origin.range)
                }
            }
            #expect(told == epoch.acknowledged, seed)
        }
        #expect(try streams.bytes(in: "s") == bytes, seed)
        #expect(bytes <= 40_000, seed)
        #expect(try streams.accounts(in: "s") == accounts, seed)
        #expect(known == model.appended, seed)
        #expect(exported == model.acknowledged, seed)
    }
}
