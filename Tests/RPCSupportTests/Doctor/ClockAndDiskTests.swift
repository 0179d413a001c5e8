import Foundation
import PKI
import TestSupport
import Testing

@testable import RPCSupport

@Suite("A doctor's checks of clock, disk and files")
struct ClockAndDiskTests {
    @Test func aClockBehindTheLastTimeKnownFails() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/clock"
            let now = Date()
            #expect(ClockChecks.floor(path: path, now: now).verdict == .skipped)
            try "\(Int(now.timeIntervalSince1970) + 86_460)\n".write(
                toFile: path, atomically: true, encoding: .utf8)
            let behind = ClockChecks.floor(path: path, now: now)
            #expect(behind.verdict == .failure)
            #expect(behind.message.contains("24 h behind"), "\(behind.message)")
            #expect(ClockChecks.floor(path: path, now: now.addingTimeInterval(90_000)).verdict == .good)
            try "yesterday\n".write(toFile: path, atomically: true, encoding: .utf8)
            #expect(ClockChecks.floor(path: path, now: now).verdict == .warning)
        }
    }

    @Test func theKernelsWordAndTheDifferenceToTheCloudAreJudged() {
        #expect(ClockChecks.synchronisation(true).verdict == .good)
        #expect(ClockChecks.synchronisation(false).verdict == .warning)
        #expect(ClockChecks.synchronisation(nil).verdict == .skipped)
        // The kernel of this machine can be asked: whatever it says is no crash.
        #expect(ClockChecks.synchronisation().check == "clock.synchronised")
        #expect(ClockChecks.difference(ahead: 1, uncertainty: 0.1).verdict == .good)
        let late = ClockChecks.difference(ahead: -3_600, uncertainty: 0.1)
        #expect(late.verdict == .warning)
        #expect(late.message == "this clock is 60 min behind the cloud's")
        #expect(
            ClockChecks.difference(ahead: 6, uncertainty: 2).verdict == .good, "the call took too long to say"
        )
    }

    @Test func aFullOrReadOnlyOrVolatileDiskIsSaid() {
        func room(free: UInt64, total: UInt64 = 64 << 30, inodes: UInt64 = 1_000_000, readOnly: Bool = false)
            -> SystemFacts.Room
        {
            SystemFacts.Room(
                freeBytes: free, totalBytes: total, freeInodes: inodes, totalInodes: 2_000_000,
                isReadOnly: readOnly)
        }
        #expect(DiskChecks.space(room(free: 1 << 30), "/s").verdict == .good)
        #expect(DiskChecks.space(room(free: 100 << 20), "/s").verdict == .warning)
        #expect(DiskChecks.space(room(free: 1 << 20), "/s").verdict == .failure)
        #expect(DiskChecks.inodes(room(free: 1, inodes: 5), "/s").verdict == .failure)
        #expect(DiskChecks.inodes(room(free: 1), "/s").verdict == .good)
        let room = room(free: 1 << 30)
        #expect(DiskChecks.fileSystem("ext4", room, "/s").verdict == .good)
        #expect(DiskChecks.fileSystem("tmpfs", room, "/s").verdict == .warning)
        #expect(DiskChecks.fileSystem("nfs4", room, "/s").verdict == .warning)
        #expect(DiskChecks.fileSystem(nil, room, "/s").verdict == .skipped)
        let readOnly = SystemFacts.Room(
            freeBytes: 1 << 30, totalBytes: 1 << 31, freeInodes: 1, totalInodes: 0, isReadOnly: true)
        #expect(DiskChecks.fileSystem("ext4", readOnly, "/s").verdict == .failure)
        #expect(DiskChecks.inodes(readOnly, "/s").verdict == .good)
    }

    @Test func theFileSystemOfAPathIsThatOfItsNearestMount() {
        let mounts = """
            1 0 8:1 / / rw shared:1 - ext4 /dev/root rw
            2 1 0:5 / /mnt/a\\040b rw - tmpfs tmpfs rw
            3 1 0:6 / /mnt/other rw - xfs /dev/sdb rw
            """
        #expect(SystemFacts.fileSystemType(at: "/mnt/a b/c", mounts: mounts) == "tmpfs")
        #expect(SystemFacts.fileSystemType(at: "/mnt/otherwise", mounts: mounts) == "ext4")
        #expect(SystemFacts.fileSystemType(at: "/mnt/other", mounts: mounts) == "xfs")
        #expect(SystemFacts.fileSystemType(at: "/x", mounts: nil) == nil)
    }

    /// Mounts a file system in memory, where this user may.
    static func mount(_ path: String) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/mount")
        process.arguments = ["-t", "tmpfs", "-o", "size=1m", "hedgerow-test", path]
        process.standardError = FileHandle.nullDevice
        guard geteuid() == 0, (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    @Test(.enabled(if: geteuid() == 0, "only root may mount"))
    func aRealFullDiskInMemoryIsFound() async throws {
        try await withTemporaryDirectory { directory in
            guard Self.mount(directory) else { return }
            defer { umount2(directory, Int32(MNT_DETACH)) }
            // Written until nothing fits: the system's word for it is what the checks get.
            let file = try #require(fopen(directory + "/big", "w"))
            let block = [UInt8](repeating: 1, count: 1 << 16)
            while fwrite(block, 1, block.count, file) == block.count, fflush(file) == 0 {}
            fclose(file)
            let findings = DiskChecks.disk(at: directory)
            #expect(findings.first { $0.check == "disk.space" }?.verdict == .failure, "\(findings)")
            #expect(findings.first { $0.check == "disk.fileSystem" }?.verdict == .warning, "\(findings)")
        }
    }

    @Test func directoriesAndSecretsOpenToOthersAreFound() async throws {
        try await withTemporaryDirectory { directory in
            func mode(_ path: String, _ mode: mode_t) { #expect(chmod(path, mode) == 0) }
            func judge() -> DoctorFinding.Verdict {
                DirectoryChecks.directory(directory, option: "--state").verdict
            }
            mode(directory, 0o700)
            #expect(judge() == .good)
            mode(directory, 0o755)
            #expect(judge() == .warning)
            mode(directory, 0o777)
            #expect(judge() == .failure)
            mode(directory, 0o700)
            let missing = DirectoryChecks.directory(directory + "/none", option: "--state")
            #expect(missing.verdict == .failure)
            #expect(missing.message.contains("No such file"), "\(missing.message)")
            let key = directory + "/key.pem"
            try Data("secret".utf8).write(to: URL(fileURLWithPath: key))
            mode(key, 0o600)
            let absent = directory + "/other.pem"
            #expect(DirectoryChecks.secrets([key, absent], in: directory).verdict == .good)
            mode(key, 0o640)
            let open = DirectoryChecks.secrets([key], in: directory)
            #expect(open.verdict == .failure)
            #expect(open.advice == "chmod 600 \(key)")
            #expect(DirectoryChecks.secrets([absent], in: directory).verdict == .skipped)
            if geteuid() == 0 {
                mode(key, 0o600)
                #expect(chown(key, 12_345, 12_345) == 0)
                #expect(DirectoryChecks.secrets([key], in: directory).verdict == .failure, "another user's")
            }
        }
    }

    @Test func whoHoldsALockIsSeenWithoutTakingIt() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/lock"
            let descriptor = open(path, O_RDWR | O_CREAT, 0o600)
            defer { close(descriptor) }
            #expect(SystemFacts.lockHolder(path) == nil)
            #expect(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
            try "\(getpid())\n".write(to: URL(fileURLWithPath: path), atomically: false, encoding: .utf8)
            #expect(SystemFacts.lockHolder(path) == getpid())
            #expect(flock(descriptor, LOCK_UN) == 0)
            #expect(SystemFacts.lockHolder(path) == nil)
        }
    }

    @Test func reportsAreForPeopleAndPrograms() throws {
        let report = DoctorReport(
            program: "hedgerow-core",
            findings: [
                .good("a", "it is well"), .warning("long.name", "it is \u{1B}[31modd", advice: "do this"),
                .skipped("b", "nothing there"),
            ])
        #expect(report.isHealthy)
        #expect(
            report.text() == """
                OK    a          it is well
                WARN  long.name  it is  [31modd; do this
                SKIP  b          nothing there
                hedgerow-core: 1 OK, 1 WARN, 1 SKIP

                """)
        #expect(report.text(coloured: true).contains("\u{1B}[33mWARN\u{1B}[0m"))
        let failed = DoctorReport(program: "p", findings: [.failure("a", "it broke", advice: "mend it")])
        #expect(failed.exitCode == 1)
        let json = try JSONSerialization.jsonObject(with: Data(failed.json().utf8)) as? [String: Any]
        #expect(json?["healthy"] as? Bool == false)
        #expect((json?["counts"] as? [String: Int])?["FAIL"] == 1)
        let checks = json?["checks"] as? [[String: Any]]
        #expect(checks?.first?["verdict"] as? String == "FAIL")
        #expect(checks?.first?["advice"] as? String == "mend it")
    }
}
