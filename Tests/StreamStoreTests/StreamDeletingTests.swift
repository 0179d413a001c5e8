import Messaging
import StreamStore
import Testing

@Suite struct StreamDeletingTests {
    private func delete(_ access: StreamAccess, through position: StreamPosition? = nil) throws
        -> StreamDeletion?
    {
        try access.streams.delete("s", through: position, reason: StreamAccess.deleted)
    }

    @Test func whatIsDeletedIsToldToTheCloudAsLost() async throws {
        try await withAccess { access in
            for number in UInt64(1)...3 { try access.append(number * 2 - 1, number * 2) }
            try access.append(7, 7, epoch: 10)
            let deletion = try #require(try delete(access))
            #expect(deletion.messages == 7 && deletion.lost == 7 && deletion.bytes == 400)
            #expect(try access.waitingForCloud() == ["1-6 lost 10 1-6"])
            #expect(try access.waitingForCloud(epoch: 10) == ["1-1 lost 10 7-7"])
            let description = try access.streams.describe("s")
            #expect(description.bytes == 0 && description.messages == 0 && description.accounts == 2)
            // Again: nothing is there any more.
            #expect(try delete(access)?.messages == 0)
            // The stream goes on, and the cloud can take the accounts.
            try access.append(8, 9, epoch: 10)
            #expect(try access.waitingForCloud(epoch: 10) == ["1-1 lost 10 7-7", "2-3"])
            try access.acknowledge(3, epoch: 10)
            #expect(try access.streams.describe("s").accounts == 1)
        }
    }

    @Test func deletingUpToAPositionLeavesWhatEndsBehindIt() async throws {
        try await withAccess { access in
            try access.append(1, 3, epoch: 1)
            for number in UInt64(2)...4 { try access.append(number * 2, number * 2 + 1, epoch: 2) }
            let deletion = try #require(try delete(access, through: .init(epoch: epoch(2), sequence: 3)))
            #expect(deletion.messages == 5)
            #expect(try access.waitingForCloud(epoch: 1) == ["1-3 lost 10 1-3"])
            #expect(try access.waitingForCloud(epoch: 2) == ["1-2 lost 10 4-5", "3-4", "5-6"])
            #expect(try access.streams.describe("s").bytes == 200)
            #expect(try delete(access, through: .init(epoch: epoch(77), sequence: 3)) == nil)
        }
    }

    @Test func whatTheCloudHasIsNotLost() async throws {
        try await withAccess { access in
            try access.setExports("cloud", "files")
            for number in UInt64(1)...4 { try access.append(number, number) }
            try access.acknowledge(2)
            let deletion = try #require(try delete(access))
            #expect(deletion.messages == 4 && deletion.lost == 2)
            #expect(try access.all() == ["3-4 lost 10 3-4"])
            #expect(try access.streams.describe("s").bytes == 0)
        }
    }

    @Test func inPiecesItIsTheSame() async throws {
        try await withAccess { access in
            for number in UInt64(1)...10 { try access.append(number, number) }
            var messages: [UInt64] = []
            while let deletion = try access.streams.delete("s", reason: StreamAccess.deleted, limit: 4) {
                messages.append(deletion.messages)
                if !deletion.hasMore { break }
            }
            #expect(messages == [4, 4, 2])
            #expect(try access.waitingForCloud() == ["1-10 lost 10 1-10"])
            #expect(try access.streams.describe("s").bytes == 0)
        }
    }

    @Test func aStreamOfManyEntriesIsDeletedWhole() async throws {
        try await withAccess { access in
            for number in UInt64(1)...1_000 { try access.append(number, number, bytes: 10) }
            #expect(try delete(access)?.messages == 1_000)
            #expect(try access.waitingForCloud() == ["1-1000 lost 10 1-1000"])
        }
    }
}
