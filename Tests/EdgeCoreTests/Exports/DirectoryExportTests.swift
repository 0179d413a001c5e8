import Components
import Foundation
import GRDB
import HedgerowAPI
import Identity
import Logging
import Messaging
import PKI
import RPCSupport
import StreamStore
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import EdgeCore

@Suite struct DirectoryExportTests {
    private static let name = "directory:out"
    private let both = Hedgerow_Type_V1_GroupRevision.exporting(["cloud", "directory:out"])
    private let alone = Hedgerow_Type_V1_GroupRevision.exporting(["directory:out"])

    @Test func everyMessageIsOnceInTheFiles() async throws {
        try await withTemporaryDirectory { directory in
            try await ExportFixture.process(in: directory, revision: alone, exporting: true) { core in
                try await core.waitForExports([Self.name])
                for number in UInt64(0)..<20 { try await core.publish(number * 50 + 1, number * 50 + 50) }
                try await eventually(
                    "the export did so", holds: { try await core.export(Self.name, of: "s").behind == 0 })
                #expect(try core.sequences() == Array(1...1_000))
                let state = try await core.export(Self.name, of: "s").state
                #expect(state.exported == 1_000 && state.lost == 0 && state.lastError == nil)
                #expect(state.lastTime == core.time.now)
                // Nobody else needs them.
                #expect(try await core.describe("s").bytes == 0)
            }
        }
    }

    /// The core is killed between the lines and the checkpoint, again and again, at every place.
    @Test func whatWasWrittenBeforeAKillIsNotDoubled() async throws {
        try await withTemporaryDirectory { directory in
            try await ExportFixture.process(in: directory, revision: both) { core in
                try await core.declare("s")
                for number in UInt64(0)..<10 { try await core.publish(number * 10 + 1, number * 10 + 10) }
            }
            for round in 0..<10 {
                try await ExportFixture.process(in: directory) { core in
                    let export = try #require(core.directoryExport("s"))
                    let section = try await core.section(Self.name, of: "s", limit: 3)
                    // Written and synced, and then the power went.
                    let now = core.time.now
                    _ = try DirectoryExport.write(section, to: export.directory, core: "pi-1", now: now)
                    if round % 2 == 0 {
                        // Half a line, as a kill in the middle of a write leaves it.
                        let part = try #require(core.files().last { $0.hasSuffix(".part") })
                        let handle = try #require(FileHandle(forWritingAtPath: "\(directory)/out/\(part)"))
                        try handle.seekToEnd()
                        try handle.write(contentsOf: Data(#"{"time":"2026-"#.utf8))
                        try handle.close()
                    } else {
                        try await export.take(try await core.section(Self.name, of: "s", limit: 2))
                    }
                }
            }
            try await ExportFixture.process(in: directory, exporting: true) { core in
                try await eventually(
                    "the export did so", holds: { try await core.export(Self.name, of: "s").behind == 0 })
                #expect(try core.sequences() == Array(1...100))
            }
        }
    }

    /// A file that no checkpoint knows was begun by a core that was killed at once.
    @Test func aFileThatNoCheckpointKnowsIsBegunAnew() async throws {
        try await withTemporaryDirectory { directory in
            try await ExportFixture.process(in: directory, revision: alone) { core in
                try await core.declare("s")
                try await core.publish(1, 5)
                let export = try #require(core.directoryExport("s"))
                let section = try await core.section(Self.name, of: "s")
                _ = try DirectoryExport.write(section, to: export.directory, core: "pi-1", now: core.time.now)
                #expect(core.files().count == 1)
                core.time.now += 5_000_000
                // Foreign files, and those of streams with similar names, are left alone.
                for foreign in ["s-notes.txt", "s-2-20260101T000000Z-000001.jsonl.part"] {
                    try Data().write(to: URL(fileURLWithPath: "\(directory)/out/\(foreign)"))
                }
                try await export.take(section)
                #expect(try core.sequences() == Array(1...5))
                #expect(core.files().count == 3)
            }
        }
    }

    @Test func filesAreRotatedBySizeAndTheOldestAreDeleted() async throws {
        try await withTemporaryDirectory { directory in
            let revision = Hedgerow_Type_V1_GroupRevision.exporting(["directory:out"], files: 3)
            try await ExportFixture.process(in: directory, revision: revision, exporting: true) { core in
                for number in UInt64(0)..<20 {
                    try await core.publish(number * 100 + 1, number * 100 + 100, bytes: 60)
                }
                try await eventually(
                    "the export did so", holds: { try await core.export(Self.name, of: "s").behind == 0 })
                let files = core.files()
                #expect(files.count == 3)
                #expect(files.filter { $0.hasSuffix(".part") }.count == 1)
                for file in files {
                    let path = "\(directory)/out/\(file)"
                    let size = try #require(
                        try FileManager.default.attributesOfItem(atPath: path)[.size] as? UInt64)
                    #expect(size <= 64 << 10)
                }
                // The newest messages are there, in order and without a hole.
                let sequences = try core.sequences()
                #expect(sequences == Array((2_000 - UInt64(sequences.count) + 1)...2_000))
                let checkpoint = DirectoryCheckpoint(
                    stored: try await core.export(Self.name, of: "s").state.checkpoint)
                #expect(checkpoint.deleted > 0)
                #expect(checkpoint.next - 1 == checkpoint.deleted + 3)
            }
        }
    }

    @Test func aFileIsFinishedAfterAnHourAlsoWhileNothingComes() async throws {
        try await withTemporaryDirectory { directory in
            try await ExportFixture.process(in: directory, revision: alone) { core in
                try await core.declare("s")
                try await core.publish(1, 5)
                let export = try #require(core.directoryExport("s"))
                try await export.take(try await core.section(Self.name, of: "s"))
                try await export.idle(try await core.export(Self.name, of: "s").state)
                #expect(core.files().first?.hasSuffix(".jsonl.part") == true)
                core.time.now += DirectoryExport.rotationInterval.components.seconds * 1_000_000
                try await export.idle(try await core.export(Self.name, of: "s").state)
                #expect(core.files() == ["s-20231114T221320Z-000001.jsonl"])
                // Killed between the new name and the checkpoint: the next one knows.
                try await core.publish(6, 9)
                try await export.take(try await core.section(Self.name, of: "s"))
                #expect(core.files().count == 2)
                #expect(try core.sequences() == Array(1...9))
            }
        }
    }

    @Test func aRenameBeforeAKillLosesAndDoublesNothing() async throws {
        try await withTemporaryDirectory { directory in
            try await ExportFixture.process(in: directory, revision: alone) { core in
                try await core.declare("s")
                try await core.publish(1, 5)
                let export = try #require(core.directoryExport("s"))
                try await export.take(try await core.section(Self.name, of: "s"))
                let part = try #require(core.files().first)
                try FileManager.default.moveItem(
                    atPath: "\(directory)/out/\(part)",
                    toPath: "\(directory)/out/\(part.dropLast(".part".count))")
                try await core.publish(6, 9)
                try await export.take(try await core.section(Self.name, of: "s"))
                #expect(try core.sequences() == Array(1...9))
                #expect(core.files().count == 2)
            }
        }
    }

    /// The disk lost the end of a file that was synced: what is whole of it stays, and the rest is told by its sequences.
    @Test func aFileThatBecameShorterIsClosedBehindItsLastWholeLine() async throws {
        try await withTemporaryDirectory { directory in
            try await ExportFixture.process(in: directory, revision: alone) { core in
                try await core.declare("s")
                try await core.publish(1, 5)
                let export = try #require(core.directoryExport("s"))
                try await export.take(try await core.section(Self.name, of: "s"))
                let part = "\(directory)/out/\(try #require(core.files().first))"
                let handle = try #require(FileHandle(forWritingAtPath: part))
                let size = try handle.seekToEnd()
                try handle.truncate(atOffset: size - 10)
                try handle.close()
                try await core.publish(6, 9)
                try await export.take(try await core.section(Self.name, of: "s"))
                #expect(try core.sequences() == [1, 2, 3, 4, 6, 7, 8, 9])
            }
        }
    }

    @Test func aDirectoryThatFailsStopsNothingElseAndIsTriedAgain() async throws {
        try await withTemporaryDirectory { directory in
            let revision = Hedgerow_Type_V1_GroupRevision.exporting(
                ["cloud", "directory:out", "directory:other"])
            // A file lies where the directory is to be.
            try Data().write(to: URL(fileURLWithPath: "\(directory)/out"))
            try await ExportFixture.process(in: directory, revision: revision, exporting: true) { core in
                try await eventually(
                    "the export did so", holds: { try await core.describe("s").exports.count == 3 })
                try await core.publish(1, 10)
                try await eventually(
                    "the export did so",
                    holds: { try await core.export(Self.name, of: "s").state.lastError != nil })
                let error = try #require(try await core.export(Self.name, of: "s").state.lastError)
                #expect(error.contains("\(directory)/out"))
                // The others go on, and what they have stays for this one.
                try await eventually(
                    "the export did so",
                    holds: { try await core.export("directory:other", of: "s").behind == 0 })
                try await core.acknowledgeForCloud("s", through: 10)
                #expect(try await core.describe("s").messages == 10)
                #expect(try await core.export("cloud", of: "s").behind == 0)
                // Repaired, it goes on by itself.
                try FileManager.default.removeItem(atPath: "\(directory)/out")
                try await eventually(
                    "the export did so", holds: { try await core.describe("s").messages == 0 })
                #expect(try core.sequences() == Array(1...10))
                #expect(try core.sequences("other") == Array(1...10))
                #expect(try await core.export(Self.name, of: "s").state.lastError == nil)
            }
        }
    }

    @Test func aPausedExportHoldsItsMessagesAcrossARestart() async throws {
        try await withTemporaryDirectory { directory in
            try await ExportFixture.process(in: directory, revision: both, exporting: true) { core in
                try await eventually(
                    "the export did so", holds: { try await core.describe("s").exports.count == 2 })
                try await core.publish(1, 3)
                try await eventually(
                    "the export did so", holds: { try await core.export(Self.name, of: "s").behind == 0 })
                try await core.setPaused(true)
                try await core.publish(4, 9)
                try await core.acknowledgeForCloud("s", through: 9)
            }
            try await ExportFixture.process(in: directory, exporting: true) { core in
                // The other streams' exports run; this one waits although it was woken.
                core.parts.exports.wake(["s"])
                try await core.publish(10, 12)
                #expect(try await core.export(Self.name, of: "s").state.isPaused)
                #expect(try core.sequences() == [1, 2, 3])
                #expect(try await core.describe("s").messages == 9)
                try await core.setPaused(false)
                try await eventually(
                    "the export did so", holds: { try await core.export(Self.name, of: "s").behind == 0 })
                #expect(try core.sequences() == Array(1...12))
            }
        }
    }

    @Test func anExportThatARevisionRemovesHoldsNothing() async throws {
        try await withTemporaryDirectory { directory in
            try await ExportFixture.process(in: directory, revision: both, exporting: true) { core in
                try await eventually(
                    "the export did so", holds: { try await core.describe("s").exports.count == 2 })
                try await core.setPaused(true)
                try await core.publish(1, 9)
                try await core.acknowledgeForCloud("s", through: 9)
                #expect(try await core.describe("s").messages == 9)
                try await core.parts.revision.apply(.exporting(["cloud"], number: 2), deploymentID: "e")
                try await eventually(
                    "the export did so", holds: { try await core.describe("s").messages == 0 })
                #expect(try await core.describe("s").exports.map(\.state.name) == ["cloud"])
                // Put in again, it begins at the oldest that is there.
                try await core.publish(10, 12)
                try await core.parts.revision.apply(both, deploymentID: "f")
                try await eventually("the export did so", holds: { try core.sequences() == [10, 11, 12] })
            }
        }
    }

    @Test func whatWasOverwrittenIsCountedAsLostToTheExport() async throws {
        try await withTemporaryDirectory { directory in
            let revision = Hedgerow_Type_V1_GroupRevision.exporting(
                ["cloud", "directory:out"], maxSize: 64 << 10)
            try await ExportFixture.process(in: directory, revision: revision) { core in
                try await core.declare("s")
                for number in UInt64(1)...100 {
                    try await core.publish(number, number, bytes: 1_000)
                    if number == 60 { try await core.acknowledgeForCloud("s", through: 50) }
                }
                let export = try #require(core.directoryExport("s"))
                while true {
                    let section = try await core.section(Self.name, of: "s")
                    if section.entries.isEmpty { break }
                    try await export.take(section)
                }
                let state = try await core.export(Self.name, of: "s").state
                #expect(state.exported + state.lost == 100)
                #expect(state.lost > 0)
                let sequences = try core.sequences()
                #expect(sequences == Array((100 - UInt64(sequences.count) + 1)...100))
                #expect(UInt64(sequences.count) == state.exported)
            }
        }
    }
}

extension ExportFixture {
    fileprivate func setPaused(_ isPaused: Bool) async throws {
        let isKnown = try await parts.committer.commit { db in
            try DurableStreams(db).setPaused(isPaused, export: "directory:out", of: "s")
        }
        #expect(isKnown)
        parts.exports.changed.signal()
    }
}
