import Components
import Crypto
import Foundation
import PKI
import RPCSupport
import Supervision

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The directories of programs below `programs/` of the state directory, one for each instance:
///
/// | directory | what |
/// |---|---|
/// | `INSTANCE/work/KEY` | the working directory: the files of the recipe under their names; one for each set of files |
/// | `INSTANCE/data` | the program's own; it stays across versions, and goes with the instance |
/// | `INSTANCE/log` | what it writes to its output |
struct ProgramFolders: Sendable {
    /// Of all programs.
    let path: String

    /// Where the records of what runs are.
    var recordsPath: String { path + "/.run" }

    /// What tells the sets of files of components apart: what a program is installed for.
    static func key(of component: RunningComponent) -> String {
        var hash = SHA256()
        hash.update(data: Data(component.recipeDigest))
        for artifact in component.artifacts.sorted(by: { $0.name < $1.name }) {
            hash.update(data: Data("\n\(artifact.name)\n".utf8))
            hash.update(data: Data(artifact.digest))
        }
        return ArtifactDigest.text(Array(hash.finalize())).prefix(16).lowercased()
    }

    /// The directories of an instance.
    func directories(of component: RunningComponent) -> ProgramDirectories {
        let own = path + "/" + component.instance
        return ProgramDirectories(
            working: "\(own)/work/\(Self.key(of: component))", data: own + "/data", log: own + "/log")
    }

    /// Makes the directories of an instance, and puts its files into the working one. Blocks on the disk.
    ///
    /// The files are links to those of the artifact store, read-only: a large model is on the disk once.
    ///
    /// - Parameter artifact: where the file of a digest is; it is there.
    /// - Throws: `FileFailure`, what the file manager throws.
    func prepare(_ component: RunningComponent, artifact: (_ digest: [UInt8]) -> String) throws {
        let directories = directories(of: component)
        let work = path + "/" + component.instance + "/work"
        for directory in [
            path, path + "/" + component.instance, work, directories.working, directories.data,
            directories.log,
        ] {
            try DurableFile.makeDirectory(directory)
        }
        for reference in component.artifacts {
            try place(artifact(reference.digest), at: directories.working + "/" + reference.name)
        }
        // What an earlier version had. Programs of this instance have ended.
        let key = Self.key(of: component)
        for name in try Self.list(work) where name != key {
            try FileManager.default.removeItem(atPath: work + "/" + name)
        }
    }

    /// Removes the directories of instances that are no longer there. Blocks on the disk.
    func removeAll(except instances: Set<String>) throws {
        guard FileStatus(path: path) != nil else { return }
        for name in try Self.list(path) where !instances.contains(name) && !name.hasPrefix(".") {
            try FileManager.default.removeItem(atPath: path + "/" + name)
        }
    }

    private static func list(_ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path)
    }

    private func place(_ source: String, at target: String) throws(FileFailure) {
        // A script and a model are the same to a store: whatever is there may be run.
        if FileStatus(path: source)?.permissions != 0o555 {
            guard chmod(source, mode_t(0o555)) == 0 else {
                throw FileFailure("make readable", source, errno)
            }
        }
        if link(source, target) == 0 { return }
        guard errno == EEXIST else { throw FileFailure("link", target, errno) }
        unlink(target)
        guard link(source, target) == 0 else { throw FileFailure("link", target, errno) }
    }
}
