import Messaging
import StreamStore
import Testing

@Suite struct StreamExportsTests {
    @Test func spaceIsFreeWhenEveryExportHasIt() async throws {
        try await withAccess { access in
            try access.setExports("cloud", "files", "line")
            for number in UInt64(1)...4 { try access.append(number, number) }
            try access.acknowledge(4)
            #expect(try access.all() == ["1-1", "2-2", "3-3", "4-4"])
            try access.take(3, by: "files")
            try access.take(1, by: "line")
            #expect(try access.all() == ["2-2", "3-3", "4-4"])
            try access.take(4, by: "line")
            #expect(try access.all() == ["4-4"])
            #expect(try access.streams.bytes(in: "s") == 100)
            #expect(try access.waiting(for: "line")?.isEmpty == true)
            #expect(try access.waitingForCloud().isEmpty)
            try access.take(4, by: "files")
            #expect(try access.all().isEmpty)
            #expect(try access.streams.bytes(in: "s") == 0)
        }
    }

    @Test func whatOthersStillNeedIsKeptAsExportedOnce() async throws {
        try await withAccess { access in
            try access.setExports("cloud", "files")
            for number in UInt64(1)...4 { try access.append(number, number) }
            for through in UInt64(1)...4 { try access.acknowledge(through) }
            try access.take(4, by: "files")
            let entries = try access.streams.exported(of: try access.current(), after: 0, reason: 7)
            #expect(entries.map(StreamAccess.text) == ["1-4 lost 7 1-4"])
        }
    }

    @Test func theCloudHoldsWhatOthersHaveAlready() async throws {
        try await withAccess { access in
            try access.setExports("cloud", "files")
            for number in UInt64(1)...3 { try access.append(number, number) }
            try access.take(3, by: "files")
            #expect(try access.waitingForCloud() == ["1-1", "2-2", "3-3"])
            try access.acknowledge(3)
            #expect(try access.all().isEmpty)
        }
    }

    @Test func aNewExportBeginsAtTheOldestThatIsThere() async throws {
        try await withAccess { access in
            for number in UInt64(1)...4 { try access.append(number, number) }
            try access.acknowledge(2)
            try access.setExports("cloud", "files")
            #expect(try access.waiting(for: "files") == ["3-3", "4-4"])
            #expect(try access.streams.describe("s").exports.map(\.behind) == [2, 2])
            #expect(try access.waiting(for: "nobody") == nil)
        }
    }

    @Test func aRemovedExportHoldsNothingAnyMore() async throws {
        try await withAccess { access in
            try access.setExports("cloud", "files")
            for number in UInt64(1)...5 { try access.append(number, number) }
            try access.acknowledge(4)
            try access.setExports("cloud")
            #expect(try access.waiting(for: "files") == nil)
            // In small steps.
            #expect(try access.streams.releaseRemoved(from: "s", limit: 3))
            #expect(try access.all() == ["4-4", "5-5"])
            #expect(try !access.streams.releaseRemoved(from: "s", limit: 3))
            #expect(try access.all() == ["5-5"])
            #expect(try access.streams.bytes(in: "s") == 100)
            try access.acknowledge(5)
            #expect(try access.all().isEmpty)
            // The same name again begins anew.
            try access.append(6, 6)
            try access.setExports("cloud", "files")
            #expect(try access.waiting(for: "files") == ["6-6"])
        }
    }

    @Test func overwritingWhatTheCloudHasTellsItNothing() async throws {
        try await withAccess { access in
            var access = access
            access.limits.maximumBytes = 1_000
            try access.setExports("cloud", "files")
            for number in UInt64(1)...4 { try access.append(number, number, bytes: 250) }
            try access.acknowledge(2)
            try access.append(5, 5, bytes: 750)
            // 1 and 2 were at the cloud, 3 was not.
            #expect(try access.waitingForCloud() == ["3-3 lost 2 3-3", "4-4", "5-5"])
            #expect(try access.waiting(for: "files") == ["3-3 lost 2 3-3", "4-4", "5-5"])
            #expect(try access.streams.bytes(in: "s") == 1_000)
            try access.acknowledge(5)
            try access.take(5, by: "files")
            #expect(try access.all().isEmpty)
            #expect(try access.streams.describe("s").accounts == 0)
        }
    }

    /// An account that the cloud has must not grow into what it has not.
    @Test func anAccountThatTheCloudHasDoesNotGrow() async throws {
        try await withAccess { access in
            var access = access
            access.limits.maximumBytes = 1_000
            try access.setExports("cloud", "files")
            for number in UInt64(1)...5 { try access.append(number, number, bytes: 250) }
            #expect(try access.waitingForCloud().first == "1-1 lost 2 1-1")
            try access.acknowledge(1)
            try access.append(6, 6, bytes: 250)
            #expect(try access.waitingForCloud().first == "2-2 lost 2 2-2")
        }
    }

    @Test func aStreamThatDoesNotGoToTheCloudOwesItNothing() async throws {
        try await withAccess { access in
            var access = access
            access.limits.maximumBytes = 1_000
            try access.setExports("files")
            for number in UInt64(1)...5 { try access.append(number, number, bytes: 250) }
            #expect(try access.waitingForCloud().isEmpty)
            #expect(try access.all() == ["2-2", "3-3", "4-4", "5-5"])
            #expect(try access.streams.depth(of: "s") == 0)
            #expect(try !access.current().hasBacklog)
            #expect(try access.streams.describe("s").messages == 4)
            try access.take(5, by: "files")
            #expect(try access.all().isEmpty)
            try access.append(6, 6, epoch: 10)
            try access.streams.pruneEpochs(of: "s", keeping: 0, current: epoch(11))
            #expect(try access.streams.describe("s").epochs.map(\.epoch) == [epoch(10)])
        }
    }

    @Test func whatWasHeldForTheCloudStillGoesThereWhenItIsTakenOut() async throws {
        try await withAccess { access in
            try access.setExports("cloud", "files")
            for number in UInt64(1)...3 { try access.append(number, number) }
            try access.acknowledge(1)
            try access.setExports("files")
            try access.append(4, 4)
            #expect(try access.waitingForCloud() == ["2-2", "3-3"])
            #expect(try access.current().next == 4)
            try access.take(4, by: "files")
            // 4 was never for the cloud; it goes with the rest, as space is freed in the order of the stream.
            #expect(try access.all() == ["2-2", "3-3", "4-4"])
            try access.acknowledge(3)
            #expect(try access.all().isEmpty)
            #expect(try !access.current().hasBacklog)
        }
    }

    @Test func theCloudIsToldOfAGapWhenItIsPutIn() async throws {
        try await withAccess { access in
            try access.setExports("files")
            for number in UInt64(1)...3 { try access.append(number, number) }
            try access.take(2, by: "files")
            try access.setExports("cloud", "files")
            // Sequences of a session have no gap; nobody's messages are lost.
            #expect(try access.waitingForCloud() == ["1-2 lost 6 ", "3-3"])
            try access.append(4, 4)
            try access.append(5, 5, epoch: 10)
            #expect(try access.waitingForCloud() == ["1-2 lost 6 ", "3-3", "4-4"])
            #expect(try access.waitingForCloud(epoch: 10) == ["1-1"])
            try access.acknowledge(4)
            #expect(try access.streams.describe("s").accounts == 0)
        }
    }

    @Test func pausesAndErrorsAreKept() async throws {
        try await withAccess { access in
            try access.setExports("cloud", "files")
            #expect(try access.streams.setPaused(true, export: "files", of: "s"))
            #expect(try access.streams.setPaused(true, export: "cloud", of: "other"))
            #expect(try !access.streams.setPaused(true, export: "nobody", of: "s"))
            try access.streams.setError("no room", of: "files", stream: "s", now: 44)
            try access.setExports("cloud", "files")
            let states = try access.streams.exports(of: "s")
            #expect(states.map(\.isPaused) == [false, true])
            #expect(states[1].lastError == "no room" && states[1].errorTime == 44)
            #expect(try access.streams.exports(of: "other").map(\.isPaused) == [true])
            try access.append(1, 1)
            try access.take(1, by: "files", now: 50)
            let state = try access.streams.exports(of: "s")[1]
            #expect(state.lastError == nil && state.lastTime == 50 && state.exported == 1)
            #expect(try access.streams.setPaused(false, export: "files", of: "s"))
            #expect(try access.streams.exports(of: "s").map(\.isPaused) == [false, false])
        }
    }

    @Test func eachEpochHasAPlaceOfItsOwn() async throws {
        try await withAccess { access in
            try access.setExports("cloud", "files")
            try access.append(1, 2, epoch: 1)
            try access.append(3, 4, epoch: 2)
            #expect(try access.waiting(for: "files") == ["1-2"])
            try access.take(2, by: "files")
            try access.take(1, by: "files")
            #expect(try access.waiting(for: "files") == ["1-2"])
            #expect(try access.streams.describe("s").exports[1].acknowledged.map(\.sequence) == [2, 1])
            #expect(try access.streams.describe("s").exports[1].behind == 1)
        }
    }
}
