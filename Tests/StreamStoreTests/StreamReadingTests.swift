import Messaging
import StreamStore
import Testing

@Suite struct StreamReadingTests {
    private func read(
        _ access: StreamAccess, _ start: StreamStart, limit: Int = .max, bytes: Int = .max
    ) throws -> StreamSection {
        try access.streams.read("s", from: start, limit: limit, maximumBytes: bytes)
    }

    private func text(_ section: StreamSection) -> [String] {
        section.pieces.map { StreamAccess.text($0.entry) }
    }

    @Test func aStreamThatNeverHeldAnythingReadsAsNothing() async throws {
        try await withAccess { access in
            let section = try read(access, .oldest)
            #expect(section.pieces.isEmpty && section.isAtEnd && section.next == nil)
            #expect(try access.streams.describe("s").newest == nil)
        }
    }

    @Test func readingGoesForwardsThroughTheEpochsAndTakesNothingOut() async throws {
        try await withAccess { access in
            try access.append(1, 3, epoch: 1)
            try access.append(4, 4, epoch: 1)
            try access.append(5, 6, epoch: 2)
            let all = try read(access, .oldest)
            #expect(text(all) == ["1-3", "4-4", "1-2"])
            #expect(all.pieces.map(\.epoch) == [epoch(1), epoch(1), epoch(2)])
            #expect(all.isAtEnd && !all.isClamped)
            #expect(all.next == StreamPosition(epoch: epoch(2), sequence: 3))
            // Position by position, with a bound, from where the one before ended.
            var found: [String] = []
            var start = StreamStart.oldest
            for number in 1...3 {
                let section = try read(access, start, limit: 1)
                found += text(section)
                #expect(section.isAtEnd == (number == 3))
                start = .position(try #require(section.next))
            }
            #expect(found == ["1-3", "4-4", "1-2"])
            #expect(try text(read(access, start)).isEmpty)
            #expect(try access.streams.describe("s").messages == 6)
        }
    }

    @Test func aPositionWithinAnEntryFindsTheEntry() async throws {
        try await withAccess { access in
            try access.append(1, 3)
            let section = try read(access, .position(.init(epoch: epoch(9), sequence: 2)))
            #expect(text(section) == ["1-3"])
            #expect(!section.isClamped)
        }
    }

    @Test func belowTheOldestReadingBeginsAtTheOldestAndSaysSo() async throws {
        try await withAccess { access in
            for number in UInt64(1)...4 { try access.append(number, number) }
            try access.acknowledge(2)
            let section = try read(access, .position(.init(epoch: epoch(9), sequence: 1)))
            #expect(text(section) == ["3-3", "4-4"])
            #expect(section.isClamped)
            #expect(try !read(access, .position(.init(epoch: epoch(9), sequence: 3))).isClamped)
            // An epoch that nobody knows any more.
            let unknown = try read(access, .position(.init(epoch: epoch(77), sequence: 9)))
            #expect(text(unknown) == ["3-3", "4-4"])
            #expect(unknown.isClamped)
            // All of it is gone.
            try access.acknowledge(4)
            #expect(try read(access, .position(.init(epoch: epoch(9), sequence: 1))).isClamped)
            // What does not exist yet is not gone.
            let next = try read(access, .position(.init(epoch: epoch(9), sequence: 5)))
            #expect(!next.isClamped && next.isAtEnd)
            #expect(next.next == StreamPosition(epoch: epoch(9), sequence: 5))
        }
    }

    @Test func bytesBoundWhatIsReadAtOnceButForTheFirst() async throws {
        try await withAccess { access in
            for number in UInt64(1)...5 { try access.append(number, number, bytes: 100) }
            #expect(try text(read(access, .oldest, bytes: 1)) == ["1-1"])
            let two = try read(access, .oldest, bytes: 250)
            #expect(text(two) == ["1-1", "2-2"])
            #expect(!two.isAtEnd)
            #expect(try read(access, .oldest, bytes: 500).isAtEnd)
        }
    }

    @Test(arguments: [(0, "1-1"), (10, "1-1"), (11, "2-2"), (505, "51-51"), (1_000, "100-100")])
    func aTimeFindsTheFirstThatWasReceivedThenOrLater(_ time: Int64, _ first: String) async throws {
        try await withAccess { access in
            for number in UInt64(1)...50 {
                try access.append(number, number, epoch: 1, at: Int64(number) * 10)
            }
            for number in UInt64(51)...100 {
                try access.append(number, number, epoch: 2, at: Int64(number) * 10)
            }
            let section = try read(access, .time(time), limit: 1)
            let expected = time <= 500 ? first : "\((Int(time) + 9) / 10 - 50)-\((Int(time) + 9) / 10 - 50)"
            #expect(text(section) == [expected])
        }
    }

    @Test func aTimeBehindEverythingFindsTheEnd() async throws {
        try await withAccess { access in
            try access.append(1, 3, at: 10)
            let section = try read(access, .time(11))
            #expect(section.pieces.isEmpty && section.isAtEnd)
            #expect(section.next == StreamPosition(epoch: epoch(9), sequence: 4))
        }
    }

    @Test func aDescriptionSaysWhatIsThere() async throws {
        try await withAccess { access in
            try access.append(1, 3, bytes: 10, epoch: 1, at: 50)
            try access.append(4, 9, bytes: 20, epoch: 2, at: 60)
            try access.acknowledge(2, epoch: 2)
            let description = try access.streams.describe("s")
            #expect(description.bytes == 30)
            #expect(description.messages == 9)
            #expect(description.oldest == StreamPosition(epoch: epoch(1), sequence: 1))
            #expect(description.newest == StreamPosition(epoch: epoch(2), sequence: 6))
            #expect(description.oldestReceiveTime == 50)
            #expect(description.epochs.map(\.messages) == [3, 6])
            #expect(description.epochs.map(\.acknowledged) == [0, 2])
            let cloud = try #require(description.exports.first)
            #expect(description.exports.count == 1 && cloud.state.name == DurableStreams.cloudExport)
            #expect(cloud.behind == 7)
            #expect(cloud.acknowledged.map(\.sequence) == [0, 2])
        }
    }

    @Test func whatWasOverwrittenIsNotCountedAsThere() async throws {
        try await withAccess { access in
            var access = access
            access.limits.maximumBytes = 1_000
            for number in UInt64(1)...4 { try access.append(number * 2 - 1, number * 2, bytes: 500) }
            let description = try access.streams.describe("s")
            #expect(description.messages == 4)
            #expect(description.accounts == 1)
        }
    }
}
