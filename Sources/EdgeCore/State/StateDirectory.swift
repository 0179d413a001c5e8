public import PKI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A core's state directory: everything that it must know after a restart.
///
/// | file | what |
/// |---|---|
/// | `lock` | the lock of the process that uses the directory |
/// | `identity/` | the client certificate and its key (``PKI/IdentityDirectory``) |
/// | `core.sqlite` | deployment, revoked certificates, streams: all that must change together |
/// | `core.sqlite.damaged-TIME` | a damaged database that was replaced by what could be read of it; two are kept |
/// | `artifacts/` | files of components, each under its SHA-256 |
/// | `programs/` | directories and logs of programs, one for each instance |
/// | `secrets/` | secrets of programs, mode 0600 |
/// | `component.sock` | where programs find the running core |
/// | `ballast` | disk space to work on when the disk is full (``StreamStore/DiskRoom``) |
/// | `server.json` | the server certificate and its key, mode 0600 |
/// | `clock` | the last time known |
/// | `ports.json` | where the running core listens; for people and scripts |
public struct StateDirectory: Hashable, Sendable {
    /// The directory.
    public let path: String

    /// Names a directory; touches nothing.
    public init(path: String) {
        self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    /// Where the identity is.
    public var identityPath: String { path + "/identity" }
    /// The identity.
    public var identity: IdentityDirectory { IdentityDirectory(path: identityPath) }
    /// The database.
    public var databasePath: String { path + "/core.sqlite" }
    /// Files of components.
    public var artifactsPath: String { path + "/artifacts" }
    /// The server certificate.
    public var serverCertificatePath: String { path + "/server.json" }
    /// The last time known.
    public var clockPath: String { path + "/clock" }
    /// Where the core listens.
    public var portsPath: String { path + "/ports.json" }

    /// Makes the directory, mode 0700, where it is missing. Blocks on the disk.
    ///
    /// - Throws: ``StateError`` `inaccessible`.
    public func create() throws(StateError) {
        do {
            try DurableFile.makeDirectory(path)
        } catch {
            throw StateError(
                .inaccessible, path: path,
                "there is no state directory: \(error); name one that this user can write with --state")
        }
    }

    /// Whether the database is there, with something in it. Blocks on the disk.
    ///
    /// SQLite takes an empty file for a new database, so an empty one counts as missing.
    var hasDatabase: Bool {
        let descriptor = open(databasePath, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return lseek(descriptor, 0, SEEK_END) > 0
    }
}
