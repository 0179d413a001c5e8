import ArgumentParser
import FoundationEssentials
import HedgerowAPI
import Identity
import PKI
import RPCSupport
import SwiftProtobuf

/// `hedgerow init FILE`: makes this user an operator.
struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Enrol with a token file and remember the cloud's address.",
        discussion: """
            The cloud writes an operator's token file at its first start. A key is made here, and the cloud signs a \
            certificate for it. Both are kept in ~/.config/hedgerow (mode 0700). The token works once; where the \
            answer was lost, run the same command again. With --context NAME the identity is kept beside those of \
            other clouds.

            Example:
              hedgerow init operator.token
              hedgerow init --context factory operator.token
              hedgerow init admin.token --cloud a.example:8443 --enrollment a.example:8444
            """)

    @Argument(help: ArgumentHelp("The token file.", valueName: "file"), completion: .file())
    var file: String?

    @Option(help: ArgumentHelp("The token file, as an option.", valueName: "file"), completion: .file())
    var token: String?

    @Option(help: ArgumentHelp("Address of the cloud, in place of the file's.", valueName: "host:port"))
    var cloud: String?

    @Option(help: ArgumentHelp("Address for enrolling, in place of the file's.", valueName: "host:port"))
    var enrollment: String?

    @Flag(help: "Replace the identity that is there.")
    var force = false

    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if (file == nil) == (token == nil) { throw ValidationError("Give the token file, once.") }
    }

    func run() async throws {
        let io = CommandIO.current
        let tokenFile = file ?? token ?? ""
        let choice = try await BlockingIO.run { try home.choice(environment: io.environment) }
        let directory = choice.directory
        let cloudEndpoints = try Self.endpoints(cloud, option: "--cloud")
        let enrollmentEndpoints = try Self.endpoints(enrollment, option: "--enrollment")
        let (token, existing) = try await Self.read(tokenFile, directory, force: force)
        if let existing, !force {
            throw CLIError(
                .failure, "there is an identity of \(existing.principal) in \(directory.path) already",
                hint: "add --force to replace it, or --context NAME to keep both")
        }
        guard token.role == .operator || token.role == .app else {
            throw CLIError(
                .wrongUse, "the token file is for \(token.role.rawValue) \(token.name)",
                hint: token.role == .core ? "give it to hedgerow-core run" : "give it to hedgerow thing run")
        }
        let identity = try await enroll(
            token, directory: directory, cloud: cloudEndpoints ?? token.cloud,
            enrollment: enrollmentEndpoints ?? token.enrollment, io: io)
        let current = try await BlockingIO.run { try Self.settle(choice) }
        try output.write(
            json: .object([
                ("principal", .text(identity.principal.description)),
                ("trustDomain", .text(identity.trustDomain)),
                ("cloud", .list(identity.cloud.map { .text($0.description) })),
                ("home", .text(directory.path)), ("context", .text(choice.name)),
                ("current", .boolean(current == choice.name)),
            ]),
            table:
                "You are \(identity.principal) of \(identity.trustDomain); your identity is in \(directory.path).\n"
                + (current == choice.name
                    ? "Next: hedgerow things list\n" : "Next: hedgerow context use \(choice.name)\n"))
    }

    /// Makes the new context the current one where that has no identity; returns the current one.
    private static func settle(_ choice: ContextChoice) throws(CLIError) -> String {
        let current = try choice.store.current()
        if current == choice.name || choice.store.has(current) { return current }
        try choice.store.setCurrent(choice.name)
        return choice.name
    }

    private static func endpoints(_ text: String?, option: String) throws(CLIError) -> [NetworkEndpoint]? {
        guard let text else { return nil }
        guard let endpoint = NetworkEndpoint(text) else {
            throw CLIError(
                .wrongUse, "\(option) is \"\(text)\"", hint: "write HOST:PORT, such as cloud.example:8443")
        }
        return [endpoint]
    }

    private static func read(
        _ path: String, _ directory: IdentityDirectory, force: Bool
    ) async throws -> (TokenFile, StoredIdentity?) {
        do {
            return try await BlockingIO.run {
                let token = try TokenFile.read(from: path)
                // With --force, an identity that cannot be read is replaced as well.
                return (token, force ? nil : try directory.load())
            }
        } catch let error as IdentityFileError {
            throw CLIError(error)
        }
    }

    private func enroll(
        _ token: TokenFile, directory: IdentityDirectory, cloud: [NetworkEndpoint],
        enrollment: [NetworkEndpoint],
        io: CommandIO
    ) async throws -> StoredIdentity {
        // The key is on disk before it is sent: a lost reply is asked for again with the same key.
        let key = try await BlockingIO.run { try directory.pendingKey() }
        var request = Hedgerow_Provisioning_V1_EnrollRequest()
        request.token = token.token
        request.signingRequest = Data(try key.signingRequest(commonName: token.name))
        var reply: Hedgerow_Provisioning_V1_EnrollResponse?
        var failure = CLIError(
            .failure, "the token file names no address", hint: "add --enrollment HOST:PORT")
        for endpoint in enrollment where reply == nil {
            let dialer = CloudDialer(
                endpoints: [endpoint], serverName: token.cloudServerName, trustDomain: token.trustDomain,
                rootPEM: token.rootCertificate, now: io.now)
            do {
                reply = try await Progress.show("enrolling at \(endpoint)") { [request] _ in
                    try await dialer.connect(identity: nil) { client in
                        try await Hedgerow_Provisioning_V1_ProvisioningService.Client(wrapping: client)
                            .enroll(request, options: CloudDialer.unary)
                    }
                }
            } catch let error as CLIError {
                // An answer is an answer: another address of the same cloud gives the same.
                if error.status != .unreachable { throw error }
                failure = error
            }
        }
        guard let reply else { throw failure }
        let identity = StoredIdentity(
            principal: try token.principal, trustDomain: token.trustDomain, cloud: cloud,
            cloudServerName: token.cloudServerName, keyPEM: key.pem, chainPEM: reply.certificateChain,
            // What the token pins stays the root, whatever the answer says.
            rootPEM: token.rootCertificate, renewTime: reply.renewTime.date)
        try await BlockingIO.run { try directory.save(identity) }
        return identity
    }
}
