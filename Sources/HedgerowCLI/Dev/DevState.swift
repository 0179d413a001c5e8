import Foundation
import PKI
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The directory that `hedgerow dev` keeps between its runs: the local cloud, the core, who the user is, tokens, logs.
final class DevState: Sendable {
    /// What it was made for. Things that enrolled know the ports, so that they stay.
    struct Record: Codable, Hashable, Sendable {
        var group: String
        var core: String
        var mtls = 0
        var enrollment = 0
    }

    /// The file with the record, by which the directory is known to be one.
    private static let recordName = "dev.json"

    /// As it is shown to people.
    let shownPath: String
    /// Where everything is.
    let files: DemoDirectory
    private let record: Mutex<Record?>
    private let lock: Int32

    /// Opens the directory, or makes it, and takes its lock. Blocks briefly.
    ///
    /// - Parameter isFresh: whether to delete what is there.
    /// - Throws: ``CLIError`` where it is another's, in use, or cannot be made.
    init(path: String, isFresh: Bool) throws(CLIError) {
        shownPath = path
        files = DemoDirectory(existing: DevSearch.absolute(path))
        try Self.check(files)
        try Self.make(files.path, shown: path)
        let lock = open(files.file("lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw Self.unusable(path) }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            close(lock)
            throw CLIError(
                .failure, "\(path) is in use by another hedgerow dev",
                hint: "end that, or give this one a directory of its own with --state")
        }
        self.lock = lock
        if isFresh {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: files.path)) ?? []
            where name != "lock" {
                do {
                    try FileManager.default.removeItem(atPath: files.file(name))
                } catch {
                    close(lock)
                    throw CLIError(.failure, "\(path)/\(name) cannot be deleted", hint: "delete it by hand")
                }
            }
        }
        let data = FileManager.default.contents(atPath: files.file(Self.recordName))
        record = Mutex(data.flatMap { try? JSONDecoder().decode(Record.self, from: $0) })
        // Tokens and keys are in it.
        try? files.write("*\n", to: ".gitignore")
    }

    deinit { close(lock) }

    /// A directory that somebody filled otherwise is not touched.
    private static func check(_ files: DemoDirectory) throws(CLIError) {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: files.path), !names.isEmpty
        else { return }
        // One that was interrupted at its very beginning has nothing else.
        guard names.contains(recordName) || Set(names).isSubset(of: ["lock", ".gitignore"]) else {
            throw CLIError(
                .wrongUse, "\(files.path) was not made by hedgerow dev",
                hint: "name another directory with --state")
        }
    }

    private static func make(_ path: String, shown: String) throws(CLIError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw unusable(shown)
        }
    }

    private static func unusable(_ path: String) -> CLIError {
        CLIError(
            .failure, "\(path) cannot be made or used",
            hint: "name a directory that may be written with --state")
    }

    /// What an earlier run noted; nil where there was none.
    var noted: Record? { record.withLock { $0 } }

    /// Refuses another core than the one that was enrolled here. Notes the group. Blocks briefly.
    func take(group: String, core: String) throws(CLIError) {
        if let noted, noted.core != core {
            throw CLIError(
                .wrongUse,
                "\(shownPath) belongs to the core \"\(noted.core)\", and the group's first is \"\(core)\"",
                hint: "begin anew with --fresh, or give this group another directory with --state")
        }
        var new = noted ?? Record(group: group, core: core)
        new.group = group
        try note(new)
    }

    /// Notes where the cloud listens. Blocks briefly.
    func take(mtls: Int, enrollment: Int) throws(CLIError) {
        guard var new = noted else { return }
        (new.mtls, new.enrollment) = (mtls, enrollment)
        try note(new)
    }

    private func note(_ new: Record) throws(CLIError) {
        record.withLock { $0 = new }
        do {
            try DurableFile.write(Array(try JSONEncoder().encode(new)), to: files.file(Self.recordName))
        } catch {
            throw Self.unusable(shownPath)
        }
    }

    /// A path below the directory, as it is shown to people.
    func shown(_ name: String) -> String { "\(shownPath)/\(name)" }
}
