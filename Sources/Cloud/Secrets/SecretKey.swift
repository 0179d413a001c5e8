import Crypto
import FoundationEssentials
import PKI

/// The key that encrypts secrets in the database: 32 random bytes in a file of their own, mode 0600, beside the keys of
/// the authorities. Everything here blocks.
struct SecretKey: Sendable {
    /// Why there is no key, one sentence.
    struct Unusable: Error, CustomStringConvertible {
        let description: String
    }

    /// Name of the file.
    static let fileName = "secrets.key"
    /// Bytes of a key.
    private static let size = 32

    private let key: SymmetricKey
    /// Tells keys apart and says nothing about them.
    let id: Data

    private init(_ bytes: [UInt8]) {
        key = SymmetricKey(data: bytes)
        var hash = SHA256()
        hash.update(data: Data("hedgerow secrets key\n".utf8))
        hash.update(data: bytes)
        id = Data(Data(hash.finalize()).prefix(8))
    }

    /// Reads a key; nil where there is no file.
    ///
    /// - Throws: ``Unusable``.
    static func read(_ path: String) throws(Unusable) -> SecretKey? {
        let content: [UInt8]?
        do {
            content = try DurableFile.read(path)
        } catch {
            throw Unusable(description: "\(error)")
        }
        guard let content else { return nil }
        let text = String(decoding: content.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        guard let bytes = Base64URL.decode(text), bytes.count == size else {
            throw Unusable(description: "\(path) holds no key")
        }
        return SecretKey(bytes)
    }

    /// Makes a key and its file.
    static func make(_ path: String) throws(FileFailure) -> SecretKey {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) }
        try DurableFile.write(Array((Base64URL.encode(bytes) + "\n").utf8), to: path, mode: 0o600)
        return SecretKey(bytes)
    }

    // MARK: Sealing

    /// Encrypts a value for the place that it has.
    func seal(_ value: [UInt8], group: String, name: String, version: UInt64) throws -> Data {
        let box = try AES.GCM.seal(
            value, using: key, authenticating: Self.place(group: group, name: name, version: version))
        // There is one wherever the nonce has the size that it has by default.
        guard let combined = box.combined else { throw CryptoKitError.incorrectParameterSize }
        return combined
    }

    /// Decrypts a value.
    ///
    /// - Throws: what CryptoKit throws where the key is another one, or where anything was changed or moved.
    func open(_ sealed: Data, group: String, name: String, version: UInt64) throws -> [UInt8] {
        let box = try AES.GCM.SealedBox(combined: sealed)
        return Array(
            try AES.GCM.open(
                box, using: key, authenticating: Self.place(group: group, name: name, version: version)))
    }

    /// What is authenticated beside the value: a row that is moved elsewhere cannot be opened there. No name has a line
    /// break.
    private static func place(group: String, name: String, version: UInt64) -> Data {
        Data("hedgerow secret 1\n\(group)\n\(name)\n\(version)".utf8)
    }
}
