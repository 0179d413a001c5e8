import Foundation
import Identity
import PKI

/// The secrets of a core as files: `secrets/group-GROUP/NAME` of the state directory, mode 0600 in directories of mode
/// 0700. They are never logged. Everything here blocks.
///
/// Each group has a directory of its own: a core that moves to another group, and perhaps back, never takes one group's
/// secret for the other's.
struct SecretFiles: Sendable {
    let path: String

    /// The value of a secret; nil where there is none.
    func value(of name: String, in group: String) throws(FileFailure) -> [UInt8]? {
        guard let file = file(name, group) else { return nil }
        return try DurableFile.read(file)
    }

    /// Sets a secret, as a whole or not at all. The value that it has already is left as it is.
    ///
    /// - Returns: whether it changed.
    func set(_ value: [UInt8], as name: String, in group: String) throws(FileFailure) -> Bool {
        guard let file = file(name, group) else { return false }
        if let before = try? DurableFile.read(file), before == value { return false }
        try DurableFile.makeDirectory(directory(of: group))
        try DurableFile.write(value, to: file, mode: 0o600)
        return true
    }

    /// Removes a secret.
    ///
    /// - Returns: whether it was there.
    func remove(_ name: String, of group: String) throws -> Bool {
        guard let file = file(name, group), FileManager.default.fileExists(atPath: file) else { return false }
        try DurableFile.remove(file)
        return true
    }

    /// Removes everything but some secrets, by group: also what a write that was cut short left.
    func removeAll(except kept: [String: Set<String>]) throws {
        let directories = Dictionary(kept.map { (Self.directoryName(of: $0.key), $0.value) }) { $0.union($1) }
        for directory in try entries(of: path) {
            let full = path + "/" + directory
            guard let names = directories[directory], !names.isEmpty else {
                try FileManager.default.removeItem(atPath: full)
                continue
            }
            for name in try entries(of: full) where !names.contains(name) {
                try DurableFile.remove(full + "/" + name)
            }
        }
    }

    /// The paths of all secrets.
    var all: [String] {
        ((try? entries(of: path)) ?? []).flatMap { directory in
            ((try? entries(of: path + "/" + directory)) ?? []).map { "\(path)/\(directory)/\($0)" }
        }
    }

    private func entries(of directory: String) throws -> [String] {
        guard FileManager.default.fileExists(atPath: directory) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: directory)
    }

    /// The file of a secret; nil for what is no name of one.
    private func file(_ name: String, _ group: String) -> String? {
        guard (try? EntityName.validate(name)) != nil, name != ".", name != "..",
            (try? EntityName.validate(group)) != nil
        else { return nil }
        return directory(of: group) + "/" + name
    }

    private func directory(of group: String) -> String { path + "/" + Self.directoryName(of: group) }

    /// Names of groups may be `..`, which is no name of a directory of its own.
    private static func directoryName(of group: String) -> String { "group-" + group }
}
