import ArgumentParser
import HedgerowAPI

/// `hedgerow revoke NAME`.
struct RevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Revoke the certificates of an identity; its open streams end within seconds.",
        discussion: """
            It can enrol again with a new token: hedgerow things token NAME.

            Example:
              hedgerow revoke bme680-1
              hedgerow revoke ann --role operator --serial 1f3a
            """)

    @Argument(help: "Whose: the name of a thing, core, operator or app.")
    var name: String

    @Option(help: "Role: thing, core, operator or app.")
    var role: RoleArgument = .thing

    @Option(
        help: ArgumentHelp("Only the certificate of this serial number (hexadecimal).", valueName: "number"))
    var serial: String?

    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var request = Hedgerow_Registry_V1_RevokeCertificatesRequest()
        request.role = role.wire
        request.name = name
        request.serialNumber = serial?.lowercased() ?? ""
        let reply = try await home.withCloud { [request] cloud in
            try await cloud.registry.revokeCertificates(request, options: cloud.options)
        }
        try output.write(
            json: .object([
                ("name", .text(name)), ("role", .text(role.rawValue)),
                ("revokedCount", .unsigned(UInt64(reply.revokedCount))),
            ]),
            table: "\(Text.count(reply.revokedCount, "certificate")) of \(role.rawValue) \(name) revoked.\n")
    }
}
