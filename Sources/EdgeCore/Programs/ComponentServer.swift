import Crypto
import FoundationEssentials
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Logging
import PKI
import RPCSupport

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The core's gRPC server for the programs that it runs, on a Unix domain socket.
///
/// Who may open the socket is no secret's guard: each call shows a token (``ComponentAuthentication``). It has to be open
/// for everyone, because a confined program runs as a user of its own; the directories above it are the core's.
struct ComponentServer: Sendable {
    /// Most bytes of a socket's path that every system takes, its end included: 104 (unix(4) of the BSDs; Linux takes 108).
    static let maximumPath = 103

    let path: String
    let services: [any RegistrableRPCService]
    let tokens: ComponentTokens
    let listening: Announced<String>
    let logger: Logger

    /// Where the socket of a state directory is: in it, or, where that path is too long for a socket, in a directory of
    /// this user's below `/tmp`.
    static func path(inState directory: String) throws -> String {
        let inside = directory + "/component.sock"
        if inside.hasPrefix("/"), inside.utf8.count <= maximumPath { return inside }
        let name = SHA256.hash(data: Data(directory.utf8)).prefix(8)
            .map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let outside = "/tmp/hedgerow-\(getuid())-\(name)"
        try DurableFile.makeDirectory(outside)
        guard let status = FileStatus(path: outside), status.isDirectory, status.owner == getuid(),
            status.permissions & 0o022 == 0
        else {
            throw ProgramProblem(
                description:
                    "\(outside), where the socket for components would be, is not this user's own directory; "
                    + "remove it, or use a state directory with a shorter path")
        }
        return outside + "/component.sock"
    }

    /// Serves until it is cancelled.
    func run() async throws {
        let path = path
        try await BlockingIO.run { try Self.clear(path) }
        let transport = HTTP2ServerTransport.Posix(
            address: .unixDomainSocket(path: path), transportSecurity: .plaintext,
            config: .defaults { config in
                config.http2.targetWindowSize = 512 << 10
                config.http2.maxConcurrentStreams = ServerTransports.maximumConcurrentStreams
                config.rpc.maxRequestPayloadSize = ServerTransports.maximumMessageSize
                config.connection.maxGraceTime = .seconds(2)
            })
        let server = GRPCServer(
            transport: transport, services: services + [ReflectionService(describing: services)],
            interceptorPipeline: [
                .apply(ComponentAuthentication(tokens: tokens, logger: logger), to: .all)
            ])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                _ = try await server.listeningAddress
                try await BlockingIO.run {
                    guard chmod(path, mode_t(0o666)) == 0 else {
                        throw FileFailure("open to programs", path, errno)
                    }
                }
                listening.announce(path)
            }
            group.addTask { try await server.serve() }
            try await group.waitForAll()
        }
    }

    /// Removes the socket of a core that was killed.
    private static func clear(_ path: String) throws(FileFailure) {
        guard unlink(path) == 0 || errno == ENOENT else { throw FileFailure("remove", path, errno) }
    }
}
