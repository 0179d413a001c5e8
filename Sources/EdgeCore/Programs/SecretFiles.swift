import Identity
import PKI

/// The secrets of a core: one file each, mode 0600, below `secrets/` of the state directory. They are never logged.
struct SecretFiles: Sendable {
    /// Most bytes of a secret: 64 KiB.
    static let maximumBytes = 64 << 10

    let path: String

    /// The value of a secret; nil where there is none. Blocks on the disk.
    func value(of name: String) throws(FileFailure) -> [UInt8]? {
        guard (try? EntityName.validate(name)) != nil else { return nil }
        return try DurableFile.read(path + "/" + name)
    }

    /// Sets a secret. Blocks on the disk.
    func set(_ value: [UInt8], as name: String) throws(FileFailure) {
        try DurableFile.makeDirectory(path)
        try DurableFile.write(value, to: path + "/" + name, mode: 0o600)
    }

    /// Removes a secret; one that is not there is no failure. Blocks on the disk.
    func remove(_ name: String) throws(FileFailure) { try DurableFile.remove(path + "/" + name) }
}
