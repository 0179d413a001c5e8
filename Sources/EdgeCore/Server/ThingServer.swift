import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Logging
import PKI
import RPCSupport
import ServiceLifecycle

/// The core's gRPC server, for things.
///
/// It starts as soon as there is a server certificate, from the disk or from the cloud, and then runs whatever the
/// cloud does. Things show certificates of the cloud's issuing authority; the core shows one of its group's.
struct ThingServer: Service {
    /// What a server needs.
    struct Parts: Sendable {
        let core: String
        let host: String
        let port: Int
        let portsPath: String
        let certificate: ServerCertificate
        let verifier: PeerVerifier
        let interceptors: [ConditionalInterceptor<any ServerInterceptor>]
        let services: [any RegistrableRPCService]
        let health: HealthRegistry
        let healthServices: [String]
        let limits: ConnectionLimits
    }

    private let parts: Parts
    private let listeningPort: Announced<Int>
    private let refusals: PeerRefusals
    private let logger: Logger

    init(parts: Parts, listeningPort: Announced<Int>, logger: Logger) {
        self.parts = parts
        self.listeningPort = listeningPort
        self.refusals = PeerRefusals(side: "listener for things", logger: logger)
        self.logger = logger
    }

    func run() async throws {
        if !parts.certificate.isAvailable {
            logger.info("waiting for a server certificate: the core must be in a group that was deployed")
        }
        let certificate: ReloadableCertificate
        do {
            certificate = try await cancelWhenGracefulShutdown { try await parts.certificate.available() }
        } catch is CancellationError {
            return
        }
        let transport = try ServerTransports.mutualTLS(
            host: parts.host, port: parts.port, identity: certificate, verifier: parts.verifier,
            refusals: refusals, limits: parts.limits)
        let server = GRPCServer(
            transport: transport, services: parts.services, interceptorPipeline: parts.interceptors)
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { try await announce(server) }
            do {
                try await GRPCServerService(server, onShutdown: { parts.health.shutDown() }).run()
            } catch  where listeningPort.current == nil && !Task.isCancelled {
                throw ListenFailure(host: parts.host, port: parts.port, cause: error)
            }
        }
    }

    private func announce(_ server: GRPCServer<HTTP2ServerTransport.Posix>) async throws {
        guard let address = try? await server.listeningAddress,
            let port = address.ipv4?.port ?? address.ipv6?.port
        else { return }
        do {
            let content = Array("{\"host\": \"\(parts.host)\", \"port\": \(port)}\n".utf8)
            try await BlockingIO.run { [path = parts.portsPath] in
                try DurableFile.write(content, to: path, mode: 0o644)
            }
        } catch {
            // For people and scripts only: the core serves without it.
            logger.warning(
                "ports file not written",
                metadata: ["file.path": "\(parts.portsPath)", "error.message": "\(error)"])
        }
        for service in [""] + parts.healthServices { parts.health.set(.serving, for: service) }
        listeningPort.announce(port)
        logger.info("serving things", metadata: ["server.host": "\(parts.host)", "server.port": "\(port)"])
    }
}
