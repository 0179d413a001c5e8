import PKI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The directory of everything that the cloud keeps, and the lock that lets one process use it at a time.
///
/// | path | what |
/// |---|---|
/// | `lock` | held by the running process |
/// | `cloud.sqlite` | the database, with its `-wal` and `-shm` |
/// | `pki/` | private keys of the certificate authorities, and the key of the secrets, mode 0600 |
/// | `artifacts/` | files of components, each under its SHA-256 |
/// | `operator.token` | the first operator's token file, mode 0600 |
/// | `ports.json` | the ports that are listened on |
/// | `root.pem` | a copy of the root certificate, for other programs; never read for trust in anybody else |
final class StateDirectory: Sendable {
    /// The directory.
    let path: String
    /// Held open while the process lives: the kernel lets go of the lock when it ends, however it ends.
    private let descriptor: Int32

    /// Makes the directory where it does not exist, and locks it. Blocks: not for the cooperative pool.
    ///
    /// - Throws: ``CloudStartError/stateInUse(path:)``, ``CloudStartError/stateUnusable(path:reason:)``.
    init(path: String) throws(CloudStartError) {
        self.path = path
        do {
            try DurableFile.makeDirectory(path)
            try DurableFile.makeDirectory(path + "/pki")
        } catch {
            throw CloudStartError.stateUnusable(path: path, reason: error.description)
        }
        let lock = path + "/lock"
        let descriptor = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, mode_t(0o600))
        guard descriptor >= 0 else {
            throw CloudStartError.stateUnusable(path: path, reason: "opening \(lock): \(Self.text(errno))")
        }
        if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            close(descriptor)
            if code == EWOULDBLOCK { throw CloudStartError.stateInUse(path: path) }
            throw CloudStartError.stateUnusable(path: path, reason: "locking \(lock): \(Self.text(code))")
        }
        self.descriptor = descriptor
        // SQLite gives its journals the mode of the database: nobody else reads any of them.
        let database = open(path + "/cloud.sqlite", O_RDWR | O_CREAT | O_CLOEXEC, mode_t(0o600))
        guard database >= 0 else {
            throw CloudStartError.stateUnusable(
                path: path, reason: "opening cloud.sqlite: \(Self.text(errno))")
        }
        close(database)
    }

    deinit { close(descriptor) }

    var databasePath: String { path + "/cloud.sqlite" }
    var keysPath: String { path + "/pki" }
    var artifactsPath: String { path + "/artifacts" }
    var operatorTokenPath: String { path + "/operator.token" }
    var portsPath: String { path + "/ports.json" }
    var rootPath: String { path + "/root.pem" }

    private static func text(_ code: Int32) -> String { String(cString: strerror(code)) }
}
