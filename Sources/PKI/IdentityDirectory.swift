import FoundationEssentials

/// The directory that holds an identity.
///
/// `identity.json` (mode 0600) has everything, the key included, and is replaced as a whole: key and
/// certificate can never be of different ages. `key.pem`, `chain.pem` and `root.pem` are copies for other
/// programs (`grpcurl`, `openssl`) and are never read. `pending-key.pem` is the key of a request whose answer
/// has not arrived: a token stays bound to it over a restart.
///
/// Every method blocks: call them while a program starts, or inside ``BlockingIO/run(_:)``.
public struct IdentityDirectory: Sendable {
    /// The directory.
    public let path: String

    /// Names the directory; nothing is read or made yet.
    public init(path: String) {
        self.path = path
    }

    /// Reads the identity; nil where there is none yet.
    ///
    /// - Throws: ``IdentityFileError``: `unreadable` where there is one that cannot be read (never taken for
    ///   none), `inconsistent` where its parts do not belong together.
    public func load() throws(IdentityFileError) -> StoredIdentity? {
        guard let bytes = try read("identity.json") else { return nil }
        let identity: StoredIdentity
        do {
            identity = try JSONDecoder.files.decode(StoredIdentity.self, from: Data(bytes))
        } catch {
            throw IdentityFileError(
                .unreadable,
                "\(file("identity.json")) is damaged (\(IdentityFileError.explain(error))); restore it from a "
                    + "backup, or move the directory away and enrol with a new token")
        }
        guard identity.version == StoredIdentity.currentVersion else {
            throw IdentityFileError(
                .unreadable,
                "\(file("identity.json")) has version \(identity.version), but this program reads version "
                    + "\(StoredIdentity.currentVersion)")
        }
        try identity.validate()
        return identity
    }

    /// Stores an identity in the place of the one before, and forgets the pending key where it is the new one.
    ///
    /// - Throws: ``IdentityFileError``: `inconsistent` where the parts do not belong together (nothing is
    ///   written then), `unwritable`.
    public func save(_ identity: StoredIdentity) throws(IdentityFileError) {
        try identity.validate()
        do {
            try DurableFile.makeDirectory(path)
            try DurableFile.write(
                Array(JSONEncoder.files.encode(identity).text.utf8), to: file("identity.json"))
            try DurableFile.write(Array(identity.keyPEM.utf8), to: file("key.pem"))
            try DurableFile.write(Array(identity.chainPEM.utf8), to: file("chain.pem"), mode: 0o644)
            try DurableFile.write(Array(identity.rootPEM.utf8), to: file("root.pem"), mode: 0o644)
            if let pending = try DurableFile.read(file("pending-key.pem")),
                String(decoding: pending, as: UTF8.self) == identity.keyPEM
            {
                try DurableFile.remove(file("pending-key.pem"))
            }
        } catch let error as FileFailure {
            throw IdentityFileError(.unwritable, "the identity was not stored: \(error.description)")
        } catch {
            throw IdentityFileError(.unwritable, "the identity was not stored: \(error)")
        }
    }

    /// The key for the next request: the pending one, else a new one that is on disk before this returns.
    ///
    /// - Throws: ``IdentityFileError``: `unreadable` or `unwritable`.
    public func pendingKey() throws(IdentityFileError) -> PrivateKey {
        if let bytes = try read("pending-key.pem") {
            do {
                return try PrivateKey(pem: String(decoding: bytes, as: UTF8.self))
            } catch {
                throw IdentityFileError(
                    .unreadable, "\(file("pending-key.pem")) is damaged; delete it to enrol with a new token")
            }
        }
        let key = PrivateKey.generate()
        do {
            try DurableFile.makeDirectory(path)
            try DurableFile.write(Array(key.pem.utf8), to: file("pending-key.pem"))
        } catch {
            throw IdentityFileError(.unwritable, "no key could be stored: \(error.description)")
        }
        return key
    }

    private func read(_ name: String) throws(IdentityFileError) -> [UInt8]? {
        do {
            return try DurableFile.read(file(name))
        } catch {
            throw IdentityFileError(.unreadable, "the identity cannot be read: \(error.description)")
        }
    }

    private func file(_ name: String) -> String { path + "/" + name }
}
