import ArgumentParser
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import SwiftProtobuf

/// `hedgerow-bench enroll-cores`: registers many cores and enrols each with the key and request in its directory.
struct EnrollCores: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enroll-cores", abstract: "Register and enrol many cores.")

    @Option(help: "The cloud: SERVER-NAME@PORT.")
    var cloud: Peer

    @Option(help: "The cloud's listener for enrolment: SERVER-NAME@PORT.")
    var enrollment: Peer

    @Option(help: "Directory of an operator's identity.")
    var operatorIdentity: String

    @Option(help: "Where the state directories of the cores are, with `key.pem` and `request.der`.")
    var directory: String

    @Option(help: "How many.")
    var count = 200

    func run() async throws {
        let start = ContinuousClock.now
        let files = try TLSFiles(directory: operatorIdentity)
        let tokens = try await cloud.withClient(files, coalescing: false) { client in
            let registry = Hedgerow_Registry_V1_RegistryService.Client(wrapping: client)
            var tokens: [String] = []
            for name in (0..<count).map(FleetMember.name) {
                _ = try await registry.createThing(
                    .with {
                        $0.name = name
                        $0.kind = .core
                    })
                let reply = try await registry.createToken(
                    .with {
                        $0.role = .core
                        $0.name = name
                    })
                tokens.append(try Self.token(in: reply.tokenFile))
            }
            return tokens
        }
        try await withGRPCClient(transport: try enrollment.enrolling(files)) { client in
            let service = Hedgerow_Provisioning_V1_ProvisioningService.Client(wrapping: client)
            for (index, token) in tokens.enumerated() {
                let state = FleetMember.state(index, in: directory)
                let request = try Data(contentsOf: URL(filePath: state + "/request.der"))
                let reply = try await service.enroll(
                    .with {
                        $0.token = token
                        $0.signingRequest = request
                    })
                try Data(reply.certificateChain.utf8).write(to: URL(filePath: state + "/chain.pem"))
                try Data(reply.rootCertificate.utf8).write(to: URL(filePath: state + "/root.pem"))
            }
        }
        JSONLine.print(["enrolled": Double(count), "seconds": (ContinuousClock.now - start).seconds])
    }

    private static func token(in file: String) throws -> String {
        guard
            let object = try JSONSerialization.jsonObject(with: Data(file.utf8)) as? [String: Any],
            let token = object["token"] as? String
        else { throw ValidationError("The token file has no token.") }
        return token
    }
}

extension Peer {
    /// A connection without an identity, to the listener that asks for none.
    func enrolling(_ files: TLSFiles) throws -> HTTP2ClientTransport.Posix {
        try HTTP2ClientTransport.Posix(
            target: .ipv4(address: "127.0.0.1", port: port),
            transportSecurity: .tls { tls in
                tls.trustRoots = .certificates([.bytes(files.roots, format: .pem)])
                tls.serverCertificateVerification = .noHostnameVerification
            },
            config: .defaults { $0.http2.authority = name })
    }
}
