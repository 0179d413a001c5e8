import PKI

/// The directory of the CAs' private keys, files with mode 0600. No key leaves it.
///
/// A key is written before the database names its certificate. Keys of the cloud's own CAs are first staged
/// under another name, and take their place only once the database has the certificates: so a key under its
/// final name without a database means that the database was lost, and not that a first start was cut short.
struct KeyDirectory: Sendable {
    /// Where the keys are.
    let path: String

    /// Name of the key of one of the cloud's own CAs.
    static func fileName(of kind: AuthorityKind) -> String { "\(kind.rawValue).key" }

    /// Name of the key of a group's CA. Group names are no file names (`..` is one).
    static func fileName(ofGroupAuthority fingerprint: String) -> String { "group-\(fingerprint).key" }

    /// The file of a name.
    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Reads a key; nil where there is none.
    func read(_ name: String) async throws -> String? {
        let file = file(name)
        return try await BlockingIO.run {
            try DurableFile.read(file).map { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// Writes a key under its final name.
    func write(_ pem: String, name: String) async throws {
        let file = file(name)
        try await BlockingIO.run { try DurableFile.write(Array(pem.utf8), to: file, mode: 0o600) }
    }

    /// Deletes a key; does nothing where there is none.
    func remove(_ name: String) async throws {
        let file = file(name)
        try await BlockingIO.run { try DurableFile.remove(file) }
    }

    /// Name under which a key waits for the database.
    static func stagedName(_ name: String) -> String { name + ".new" }

    /// Gives a staged key its final name.
    func settle(_ name: String, pem: String) async throws {
        try await write(pem, name: name)
        try await remove(Self.stagedName(name))
    }
}
