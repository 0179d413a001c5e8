import Foundation
import GRDB
import TestSupport
import Testing

@testable import StreamStore

/// A disk that is full: nothing new is taken, everything else goes on, and it recovers by itself.
@Suite(.serialized, .timeLimit(.minutes(5))) struct FullDiskTests {
    /// Runs a test on a disk of its own.
    private func withSmallDisk(
        mebibytes: Int, _ body: @escaping @Sendable (SmallDisk, inout FullDiskTrial) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/disk"
            let disk: SmallDisk
            do {
                disk = try await SmallDisk(at: path, mebibytes: mebibytes)
            } catch {
                print("full disk test: skipped: \(error)")
                return
            }
            do {
                var trial = try FullDiskTrial(directory: path)
                let committer = trial.committer
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await committer.run() }
                    try await body(disk, &trial)
                    group.cancelAll()
                }
                try trial.pool.close()
            } catch {
                try await SmallDisk.unmount(path)
                throw error
            }
            try await SmallDisk.unmount(path)
        }
    }

    @Test func whatFillsTheDiskItselfIsRefusedBeforeItIsFull() async throws {
        try await withSmallDisk(mebibytes: 48) { _, trial in
            for round in 1...3 {
                try await trial.fill()
                #expect(trial.room.condition.isFull)
                #expect(trial.room.condition.hasBallast, "round \(round): there was no need to give it up")
                #expect(trial.appended > 100)
                // It drains to the end, and what was acknowledged makes room again.
                var drained = 0
                while case let count = try await trial.export(20), count > 0 { drained += count }
                #expect(drained > 100)
                #expect(try await trial.append(), "round \(round)")
            }
        }
    }

    @Test func aDiskThatSomethingElseFillsIsDrainedWithTheBallastsHelp() async throws {
        try await withSmallDisk(mebibytes: 64) { disk, trial in
            for _ in 0..<100 { #expect(try await trial.append()) }
            #expect(trial.room.condition.hasBallast)
            try disk.fill()
            #expect(try await !trial.append())
            #expect(!trial.room.condition.hasBallast)
            // Everything can be read and deleted.
            var drained = 0
            while case let count = try await trial.export(10), count > 0 { drained += count }
            #expect(drained == 100)
            #expect(try await !trial.append(), "nothing is taken while the disk is full")
            disk.free()
            #expect(try await trial.append(), "there is room again")
            #expect(
                trial.room.condition
                    == .init(isFull: false, hasBallast: true, room: trial.room.condition.room))
            #expect(try await trial.export(10) == 1)
        }
    }

    @Test func worksThatNeedNoRoomAreNotFailedWithThoseThatDo() async throws {
        try await withSmallDisk(mebibytes: 40) { _, trial in
            for _ in 0..<10 { #expect(try await trial.append()) }
            let (pool, committer) = (trial.pool, trial.committer)
            let epoch = try #require(
                try await pool.read { try DurableStreams($0).epochs(of: "s", current: nil).last })
            // One transaction with more than the disk holds, and with an acknowledgement.
            let gate = Gate()
            let held = Task { try await committer.commit { _ in gate.waitUntilOpen() } }
            try await eventually("the committer is busy", holds: { gate.isReached })
            let large = Task {
                try await committer.commit(needsRoom: true) { db in
                    try db.execute(sql: "CREATE TABLE filler (a BLOB)")
                    for _ in 0..<60 { try db.execute(sql: "INSERT INTO filler VALUES (zeroblob(1048576))") }
                }
            }
            let small = Task {
                try await committer.commit { db in try DurableStreams(db).acknowledge(epoch, through: 10) }
            }
            try await Task.sleep(for: .milliseconds(100))
            gate.open()
            try await held.value
            await #expect(throws: StorageError.self) { try await large.value }
            try await small.value
            #expect(try await pool.read { try DurableStreams($0).depth(of: "s") } == 0)
        }
    }
}
