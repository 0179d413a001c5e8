public import FoundationEssentials
public import Identity

/// What something needs to enrol: where, whom to trust there, and a token that works once. A secret.
///
/// JSON; times are RFC 3339.
public struct TokenFile: Codable, Hashable, Sendable, CustomStringConvertible {
    /// The version that this program reads and writes.
    public static let currentVersion = 1
    /// Most bytes that are read: 64 KiB.
    public static let maximumSize = 64 * 1024

    /// Version of the format; 1.
    public let version: Int
    /// What is to enrol.
    public let role: Role
    /// Its name.
    public let name: String
    /// The cloud's mutually authenticated listener, the best address first.
    public let cloud: [NetworkEndpoint]
    /// The cloud's enrolment listener, the best address first.
    public let enrollment: [NetworkEndpoint]
    /// The cloud's root certificate, PEM; nothing else is trusted.
    public let rootCertificate: String
    /// The token: a secret.
    public let token: String
    /// Until when the token may be used for the first time.
    public let expireTime: Date
    /// The cloud's trust domain.
    public let trustDomain: String
    /// DNS name that the cloud's certificate carries, whatever its address is.
    public let cloudServerName: String

    /// Makes a token file's content.
    public init(
        role: Role, name: String, cloud: [NetworkEndpoint], enrollment: [NetworkEndpoint],
        rootCertificate: String, token: String,
        expireTime: Date, trustDomain: String, cloudServerName: String = CloudIdentity.serverName
    ) {
        version = Self.currentVersion
        self.role = role
        self.name = name
        self.cloud = cloud
        self.enrollment = enrollment
        self.rootCertificate = rootCertificate
        self.token = token
        self.expireTime = expireTime
        self.trustDomain = trustDomain
        self.cloudServerName = cloudServerName
    }

    /// Who is to enrol.
    ///
    /// - Throws: `InvalidName`.
    public var principal: Principal { get throws { try Principal(role: role, name: name) } }

    /// Reads a token file's content.
    ///
    /// - Throws: ``IdentityFileError`` of kind `unreadable` that says what is wrong.
    public init(json: String) throws(IdentityFileError) {
        self = try Self.parse(Array(json.utf8), path: nil)
    }

    /// Reads a token file. Blocks.
    ///
    /// - Throws: ``IdentityFileError``: `absent`, or `unreadable`.
    public static func read(from path: String) throws(IdentityFileError) -> TokenFile {
        let bytes: [UInt8]?
        do { bytes = try DurableFile.read(path) } catch {
            throw IdentityFileError(.unreadable, error.description)
        }
        guard let bytes else {
            throw IdentityFileError(
                .absent, "there is no token file at \(path); make one with `hedgerow things create`")
        }
        return try parse(bytes, path: path)
    }

    /// Writes the file with mode 0600, atomically. Blocks.
    ///
    /// - Throws: ``IdentityFileError`` of kind `unwritable`.
    public func write(to path: String) throws(IdentityFileError) {
        do {
            try DurableFile.write(Array(json().utf8), to: path)
        } catch let error as FileFailure {
            throw IdentityFileError(.unwritable, error.description)
        } catch {
            throw IdentityFileError(.unwritable, "the token file cannot be encoded: \(error)")
        }
    }

    /// The content as JSON, with a newline at its end.
    ///
    /// - Throws: what the encoder throws; nothing in practice.
    public func json() throws -> String {
        try JSONEncoder.files.encode(self).text + "\n"
    }

    /// Who it is for; never the token.
    public var description: String { "token file for \(role.rawValue)/\(name)" }

    private static func parse(_ bytes: [UInt8], path: String?) throws(IdentityFileError) -> TokenFile {
        let place = path.map { "the token file \($0)" } ?? "the token"
        guard bytes.count <= maximumSize else {
            throw IdentityFileError(
                .unreadable, "\(place) has \(bytes.count) bytes; at most \(maximumSize) are read")
        }
        let file: TokenFile
        do {
            file = try JSONDecoder.files.decode(TokenFile.self, from: Data(bytes))
        } catch {
            throw IdentityFileError(
                .unreadable, "\(place) is not a token file: \(IdentityFileError.explain(error))")
        }
        guard file.version == currentVersion else {
            throw IdentityFileError(
                .unreadable,
                "\(place) has version \(file.version), but this program reads version \(currentVersion)")
        }
        guard EntityName.isValid(file.name), TrustDomain.isValid(file.trustDomain), !file.token.isEmpty,
            !file.enrollment.isEmpty,
            (try? Certificates.parse(pem: file.rootCertificate)) != nil
        else {
            throw IdentityFileError(
                .unreadable, "\(place) lacks a valid name, trust domain, token, address or root certificate")
        }
        return file
    }
}

extension JSONEncoder {
    /// As our files are written: sorted, readable, times in RFC 3339.
    static var files: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        return encoder
    }
}

extension JSONDecoder {
    static var files: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return decoder
    }
}

extension Data {
    var text: String { String(decoding: self, as: UTF8.self) }
}
