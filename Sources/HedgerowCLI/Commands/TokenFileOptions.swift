import ArgumentParser
import Components
import HedgerowAPI
import PKI
import SwiftProtobuf

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Where a token file goes, and how long its token is good.
struct TokenFileOptions: ParsableArguments, Sendable {
    @Option(
        name: .customLong("token-file"),
        help: ArgumentHelp("Where the token file is written (default: NAME.token here).", valueName: "file"),
        completion: .file())
    var path: String?

    @Option(
        help: ArgumentHelp(
            "How long the token may be used first: up to 90d (default: 7d).", valueName: "time"))
    var validFor: String?

    @Flag(help: "Overwrite the token file where it exists.")
    var overwrite = false

    /// Checks, before anything is made, that the file can be put there.
    func checkPlace(_ path: String) async throws {
        _ = try timeToLive()
        if overwrite { return }
        let exists = try await BlockingIO.run { access(path, F_OK) == 0 }
        if exists {
            throw CLIError(
                .wrongUse, "the file \(path) exists already",
                hint: "name another with --token-file, or add --overwrite")
        }
    }

    private func timeToLive() throws(CLIError) -> Google_Protobuf_Duration? {
        guard let validFor else { return nil }
        guard let span = try? TimeSpan(parsing: validFor), span > .seconds(0), span <= .days(90) else {
            throw CLIError(
                .wrongUse, "--valid-for is \"\(validFor)\"", hint: "write a span up to 90d, such as 12h")
        }
        return Google_Protobuf_Duration(seconds: span.milliseconds / 1_000)
    }

    func request(
        _ cloud: CloudSession, role: Hedgerow_Registry_V1_IdentityRole, name: String
    ) async throws -> Hedgerow_Registry_V1_CreateTokenResponse {
        var request = Hedgerow_Registry_V1_CreateTokenRequest()
        request.role = role
        request.name = name
        if let span = try timeToLive() { request.timeToLive = span }
        return try await cloud.registry.createToken(request, options: cloud.options)
    }

    func write(_ token: Hedgerow_Registry_V1_CreateTokenResponse, to path: String) async throws {
        do {
            try await BlockingIO.run { try DurableFile.write(Array(token.tokenFile.utf8), to: path) }
        } catch {
            throw CLIError(
                .failure, "the token file could not be written: \(error)",
                hint: "make another with hedgerow things token")
        }
    }
}
