import FoundationEssentials
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Identity
import PKI
import RPCSupport

/// Makes connections to the cloud, which is known by its root certificate and its SPIFFE ID.
struct CloudDialer: Sendable {
    let endpoints: [NetworkEndpoint]
    let serverName: String
    let trustDomain: String
    let rootPEM: String
    let now: @Sendable () -> Date

    /// How long a call that is answered at once may take.
    static let callTimeout: Duration = .seconds(20)
    /// How long an address may take to show that somebody is there, where there are several.
    static let probeTimeout: Duration = .seconds(4)

    /// The options of a call that is answered at once.
    static var unary: CallOptions {
        var options = CallOptions.defaults
        options.timeout = callTimeout
        return options
    }

    /// Runs calls on a connection to the first address that answers.
    ///
    /// - Throws: ``CLIError``, `OutputClosed`, `CancellationError`.
    func connect<Result: Sendable>(
        identity: ClientIdentity?,
        _ body: @Sendable (GRPCClient<HTTP2ClientTransport.Posix>) async throws -> Result
    ) async throws -> Result {
        guard var endpoint = endpoints.first else {
            throw CLIError(
                .failure, "no address of the cloud is known", hint: "run hedgerow init with --cloud")
        }
        if endpoints.count > 1 { endpoint = await firstToAnswer(identity: identity) ?? endpoint }
        return try await run(endpoint: endpoint, identity: identity, body)
    }

    /// The first address, in their order, that a server of ours answers at.
    private func firstToAnswer(identity: ClientIdentity?) async -> NetworkEndpoint? {
        for endpoint in endpoints {
            do {
                try await run(endpoint: endpoint, identity: identity) { client in
                    var options = CallOptions.defaults
                    options.timeout = Self.probeTimeout
                    _ = try await Grpc_Health_V1_Health.Client(wrapping: client).check(
                        .init(), options: options)
                }
                return endpoint
            } catch {
                // Somebody else at that address is as good as nobody; any other answer is one.
                let status = (error as? CLIError)?.status
                if status != .unreachable && status != .refused { return endpoint }
            }
        }
        return nil
    }

    private func run<Result: Sendable>(
        endpoint: NetworkEndpoint, identity: ClientIdentity?,
        _ body: @Sendable (GRPCClient<HTTP2ClientTransport.Posix>) async throws -> Result
    ) async throws -> Result {
        let refusals = PeerRefusals(side: "command line", logger: nil)
        do {
            let verifier = PeerVerifier(
                roots: try Certificates.parse(pem: rootPEM), trustDomain: trustDomain, usage: .server,
                expectedSPIFFEID: CloudIdentity.spiffeID(trustDomain: trustDomain), now: now)
            let transport = try ClientTransports.make(
                endpoint: endpoint, serverName: serverName, identity: identity, verifier: verifier,
                refusals: refusals)
            return try await withGRPCClient(
                transport: transport, interceptors: TracingClientInterceptor.current()
            ) { try await body($0) }
        } catch let error as CLIError {
            throw error
        } catch let error as OutputClosed {
            throw error
        } catch let error as CancellationError {
            throw error
        } catch {
            throw CLIError(CallerError(error, endpoint: endpoint, refusal: refusals.last))
        }
    }
}
