public import FoundationEssentials
public import HedgerowAPI
import Identity
public import Logging
public import PKI
public import RPCSupport
import SwiftProtobuf
import Synchronization
import X509

/// The core's server certificate: on disk, in use, and replaced while it is in use.
///
/// Key and certificate are one file that is replaced whole, so that they can never be of different ages. It is kept
/// so that the core serves after a restart with the cloud away. Nothing depends on it but that: a file that is
/// damaged is put aside (`server.json.damaged`) with an error in the log, and the cloud is asked for another one.
public final class ServerCertificate: Sendable {
    /// The file's content.
    private struct Stored: Codable {
        var version = 1
        var serverName: String
        var certificateChain: String
        var privateKey: String
        var renewTime: Date
    }

    private let path: String
    private let identity: CurrentIdentity
    private let logger: Logger
    private let served = Announced<ReloadableCertificate>()
    private let renewal = Mutex<Date?>(nil)
    private let chain = Mutex("")

    /// Reads what is on disk.
    ///
    /// - Throws: `FileFailure` where the file is there and cannot be read.
    public init(path: String, identity: CurrentIdentity, logger: Logger) async throws {
        self.path = path
        self.identity = identity
        self.logger = logger
        guard let bytes = try await BlockingIO.run({ try DurableFile.read(path) }) else { return }
        do {
            let stored = try Self.decoder.decode(Stored.self, from: Data(bytes))
            try check(chainPEM: stored.certificateChain, keyPEM: stored.privateKey)
            served.announce(
                try ReloadableCertificate(chainPEM: stored.certificateChain, keyPEM: stored.privateKey))
            renewal.withLock { $0 = stored.renewTime }
            chain.withLock { $0 = stored.certificateChain }
        } catch {
            logger.error(
                "server certificate damaged; put aside, another one is asked for",
                metadata: ["file.path": "\(path)", "error.message": "\(error)"])
            try await BlockingIO.run { try DurableFile.write(bytes, to: path + ".damaged") }
        }
    }

    /// When to renew; nil where there is no certificate.
    public var renewTime: Date? { renewal.withLock { $0 } }

    /// Whether there is one, be it expired.
    public var isAvailable: Bool { served.current != nil }

    /// The certificate and the authorities that are sent along, PEM; empty where there is none.
    var chainPEM: String { chain.withLock { $0 } }

    /// The same, as a file on the disk has it; nil where there is none. Blocks.
    ///
    /// - Throws: where the file cannot be read.
    static func chainPEM(in path: String) throws -> String? {
        try DurableFile.read(path).map { try decoder.decode(Stored.self, from: Data($0)).certificateChain }
    }

    /// Waits for the first certificate and returns what a server takes it from, also after it was replaced.
    ///
    /// - Throws: `CancellationError`.
    public func available() async throws -> ReloadableCertificate { try await served.value() }

    /// Stores a new certificate and then serves it: new connections get it, open ones go on.
    ///
    /// - Throws: `IdentityFileError` where the parts do not belong together, `FileFailure` where they cannot be
    ///   stored. The certificate before stays in use then.
    public func install(
        _ certificate: Hedgerow_Deployment_V1_ServerCertificate, key: PrivateKey, now: Date
    ) async throws {
        try check(chainPEM: certificate.certificateChain, keyPEM: key.pem)
        let latest = try Certificates.parse(pem: certificate.certificateChain)[0].renewTime
        let said =
            certificate.hasRenewTime
            ? Date(timeIntervalSince1970: TimeInterval(certificate.renewTime.seconds))
            : now.addingTimeInterval(86_400)
        let stored = Stored(
            serverName: certificate.serverName, certificateChain: certificate.certificateChain,
            privateKey: key.pem,
            renewTime: min(said, latest))
        let content = try Self.encoder.encode(stored)
        try await BlockingIO.run { [path] in try DurableFile.write(Array(content), to: path) }
        if let current = served.current {
            try current.replace(chainPEM: stored.certificateChain, keyPEM: stored.privateKey)
        } else {
            served.announce(
                try ReloadableCertificate(chainPEM: stored.certificateChain, keyPEM: stored.privateKey))
        }
        renewal.withLock { $0 = stored.renewTime }
        chain.withLock { $0 = stored.certificateChain }
    }

    /// The key must be the certificate's, and the certificate this core's.
    private func check(chainPEM: String, keyPEM: String) throws {
        var candidate = identity.stored
        candidate.chainPEM = chainPEM
        candidate.keyPEM = keyPEM
        try candidate.validate()
    }

    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        encoder.dateEncodingStrategy = .iso8601
        return encoder
    }

    private static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return decoder
    }
}
