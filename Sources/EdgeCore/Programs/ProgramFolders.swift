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
/// | `INSTANCE/files/KEY` | the working directory: the files of the recipe under their names; one for each set of files |
/// | `INSTANCE/data` | the program's own; it stays across versions, and goes with the instance |
/// | `INSTANCE/log` | what it writes to its output |
struct ProgramFolders: Sendable {
    /// Of all programs.
    let path: String

    /// Where the records of what runs are.
    var recordsPath: String { path + "/.run" }

    /// What tells the sets of files of components apart: what a program is installed for.
    static func key(recipe: [UInt8], artifacts: [ArtifactReference]) -> String {
        var hash = SHA256()
        hash.update(data: Data(recipe))
        for artifact in artifacts.sorted(by: { $0.name < $1.name }) {
            hash.update(data: Data("\n\(artifact.name)\n".utf8))
            hash.update(data: Data(artifact.digest))
        }
        return ArtifactDigest.text(Array(hash.finalize())).prefix(16).lowercased()
    }

    /// The key of what an instance runs.
    static func key(of component: RunningComponent) -> String {
        key(recipe: component.recipeDigest, artifacts: component.artifacts)
    }

    /// The directories of an instance.
    func directories(of component: RunningComponent) -> ProgramDirectories {
        let own = path + "/" + component.instance
        return ProgramDirectories(
            working: "\(own)/files/\(Self.key(of: component))", data: own + "/data", log: own + "/log")
    }

    /// Makes the directories of an instance, and puts its files into the working one. Blocks on the disk.
    ///
    /// The files are links to those of the artifact store, read-only: a large model is on the disk once.
    ///
    /// - Parameter artifact: where the file of a digest is; it is there.
    /// - Throws: `FileFailure`, what the file manager throws.
    func prepare(_ component: RunningComponent, artifact: (_ digest: [UInt8]) -> String) throws {
        let directories = directories(of: component)
        // What was installed was in the directory, which is gone.
        let mark = "\(recordsPath)/\(component.instance).installed"
        if FileStatus(path: directories.working) == nil, let installed = try DurableFile.read(mark),
            String(decoding: installed, as: UTF8.self).hasPrefix(directories.working + "\n")
        {
            try DurableFile.remove(mark)
        }
        for directory in [
            path, path + "/" + component.instance, path + "/" + component.instance + "/files",
            directories.working, directories.data, directories.log,
        ] {
            try DurableFile.makeDirectory(directory)
        }
        for reference in component.artifacts {
            try place(artifact(reference.digest), at: directories.working + "/" + reference.name)
        }
    }

    /// Removes what is no longer needed: instances that are not named, and of the others the working directories of other
    /// keys. Blocks on the disk.
    ///
    /// - Parameter kept: the keys to keep of each instance; nil for all.
    /// - Returns: what could not be removed, one sentence each.
    func clear(keeping kept: [String: Set<String>?]) -> [String] {
        var problems: [String] = []
        func remove(_ path: String) {
            do {
                try FileManager.default.removeItem(atPath: path)
            } catch {
                problems.append("\(path) cannot be removed: \(error)")
            }
        }
        for name in (try? Self.list(path)) ?? [] where !name.hasPrefix(".") {
            guard let keys = kept[name] else {
                remove(path + "/" + name)
                try? DurableFile.remove("\(recordsPath)/\(name).installed")
                continue
            }
            guard let keys else { continue }
            let sets = "\(path)/\(name)/files"
            for key in (try? Self.list(sets)) ?? [] where !keys.contains(key) { remove(sets + "/" + key) }
        }
        return problems
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
