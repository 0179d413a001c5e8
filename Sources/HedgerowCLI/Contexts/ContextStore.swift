import FoundationEssentials
import Identity
import PKI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A user's identities, each of one cloud: the contexts.
///
/// | path below the home | what |
/// |---|---|
/// | `identity.json` and the files beside it | the identity of the context `default` |
/// | `contexts/NAME/` | the identity of another context |
/// | `context` | the name of the current one; missing where that is `default` |
///
/// Everything here blocks.
struct ContextStore: Sendable {
    /// The context that is used where nobody chose another one. Its identity is in the home directory itself, where
    /// it was before there were contexts.
    static let standard = "default"
    /// Most characters of a context's name.
    static let longestName = 64

    /// The home directory.
    let path: String

    private static let files = ["identity.json", "key.pem", "chain.pem", "root.pem", "pending-key.pem"]

    private var currentFile: String { path + "/context" }
    private var folder: String { path + "/contexts" }

    /// Where the identity of a context is, or would be.
    func directory(of name: String) -> IdentityDirectory {
        IdentityDirectory(path: name == Self.standard ? path : "\(folder)/\(name)")
    }

    /// Whether a name can be a context's: it becomes the name of a directory.
    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= longestName else { return false }
        func isWord(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: false
            }
        }
        return isWord(first)
            && text.utf8.allSatisfy {
                isWord($0) || [UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-")].contains($0)
            }
    }

    /// Refuses what cannot be a context's name.
    static func check(_ name: String) throws(CLIError) {
        if isName(name) { return }
        throw CLIError(
            .wrongUse, "a context cannot be called \"\(name)\"",
            hint: "use 1 to \(longestName) of A-Z a-z 0-9 . _ -, a letter or digit first")
    }

    /// The context that commands use where nothing else is said.
    func current() throws(CLIError) -> String {
        let bytes: [UInt8]?
        do {
            bytes = try DurableFile.read(currentFile)
        } catch {
            throw CLIError(
                .failure, "which context is the current one cannot be read: \(error.description)",
                hint: "check the file's mode, or name the context with --context")
        }
        guard let bytes else { return Self.standard }
        let name = String(decoding: bytes.prefix(200), as: UTF8.self).split(separator: "\n").first ?? ""
        guard Self.isName(String(name)) else {
            throw CLIError(
                .failure, "\(currentFile) does not hold the name of a context",
                hint: "choose one again with hedgerow context use NAME")
        }
        return String(name)
    }

    /// Makes a context the current one, on disk when this returns.
    func setCurrent(_ name: String) throws(CLIError) {
        do {
            if name == Self.standard {
                try DurableFile.remove(currentFile)
            } else {
                try DurableFile.makeDirectory(path)
                try DurableFile.write(Array("\(name)\n".utf8), to: currentFile)
            }
        } catch {
            throw CLIError(
                .failure, "the current context was not changed: \(error.description)",
                hint: "check that \(path) is yours to write")
        }
    }

    /// Whether a context has an identity, be it damaged.
    func has(_ name: String) -> Bool {
        access(directory(of: name).path + "/identity.json", F_OK) == 0
    }

    /// The contexts that have an identity, `default` first, then by name.
    func names() -> [String] {
        var names: [String] = []
        if let entries = opendir(folder) {
            defer { closedir(entries) }
            while let entry = readdir(entries) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(
                        to: CChar.self, capacity: MemoryLayout.size(ofValue: pointer.pointee)
                    ) {
                        String(cString: $0)
                    }
                }
                if Self.isName(name), name != Self.standard, has(name) { names.append(name) }
            }
        }
        return (has(Self.standard) ? [Self.standard] : []) + names.sorted()
    }

    /// Reads the identity of a context.
    ///
    /// - Throws: ``CLIError``: not found where there is none, with the one that was probably meant.
    func identity(of name: String) throws(CLIError) -> StoredIdentity {
        do throws(IdentityFileError) {
            if let identity = try directory(of: name).load() { return identity }
        } catch {
            throw CLIError(error)
        }
        throw absence(of: name)
    }

    /// What to say where a context has no identity.
    func absence(of name: String) -> CLIError {
        let names = names()
        if names.isEmpty {
            let option = name == Self.standard ? "" : "--context \(name) "
            return CLIError(
                .refused, "there is no identity in \(directory(of: name).path)",
                hint:
                    "enrol with the token file that the cloud wrote at its first start: hedgerow init \(option)FILE"
            )
        }
        let near = Suggestion.nearest(to: name, in: names)
        return CLIError(
            .notFound, "there is no context \"\(name)\" in \(path)",
            hint: near.map { "did you mean \"\($0)\"?" }
                ?? "there \(names.count == 1 ? "is" : "are") \(names.joined(separator: ", ")): choose with hedgerow "
                + "context use, or make this one with hedgerow init --context \(name) FILE")
    }

    /// Gives a context another name. The identity is on disk under the new name before the old one goes.
    func rename(_ old: String, to new: String) throws(CLIError) {
        let identity = try identity(of: old)
        if has(new) {
            throw CLIError(
                .wrongUse, "there is a context \"\(new)\" already",
                hint: "choose another name, or delete it first: hedgerow context delete \(new)")
        }
        // Asked first: where it cannot be said, nothing has been copied yet.
        let isCurrent = try current() == old
        do throws(IdentityFileError) { try directory(of: new).save(identity) } catch {
            throw CLIError(error)
        }
        if isCurrent { try setCurrent(new) }
        try remove(old)
    }

    /// Deletes a context's identity with its key.
    func remove(_ name: String) throws(CLIError) {
        let directory = directory(of: name).path
        do {
            for file in Self.files { try DurableFile.remove("\(directory)/\(file)") }
        } catch {
            throw CLIError(
                .failure, "the context \(name) was not deleted: \(error.description)",
                hint: "check that \(directory) is yours to write")
        }
        // What somebody else put there stays, and the directory with it.
        if name != Self.standard { rmdir(directory) }
    }
}
