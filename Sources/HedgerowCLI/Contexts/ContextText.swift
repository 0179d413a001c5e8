import FoundationEssentials
import Identity
import PKI
import RPCSupport
import SwiftProtobuf

/// Contexts as the command line writes them.
struct ContextText: Sendable {
    let name: String
    let isCurrent: Bool
    let path: String
    /// The identity, or why it cannot be read.
    let identity: Result<StoredIdentity, CLIError>

    /// Reads a context. Blocks.
    init(_ name: String, isCurrent: Bool, store: ContextStore) {
        self.name = name
        self.isCurrent = isCurrent
        path = store.directory(of: name).path
        identity = Result { () throws(CLIError) in try store.identity(of: name) }
    }

    static let header = ["CURRENT", "NAME", "IDENTITY", "TRUST DOMAIN", "CLOUD", "CERTIFICATE UNTIL"]

    private var expiry: Date? {
        guard case .success(let identity) = identity else { return nil }
        return CertificateChecks.expireTime(of: identity)
    }

    private func expiryCell(at now: Date) -> Table.Cell {
        guard let expiry else { return Table.Cell("") }
        return Table.Cell(Self.text(expiry), style: expiry < now ? .bad : .plain)
    }

    private static func text(_ date: Date) -> String {
        TimeText.exact(
            Google_Protobuf_Timestamp(seconds: Int64(date.timeIntervalSince1970.rounded(.down)), nanos: 0))
    }

    func cells(at now: Date) -> [Table.Cell] {
        let current = Table.Cell(isCurrent ? "*" : "", style: .good)
        switch identity {
        case .success(let identity):
            return [
                current, Table.Cell(name), Table.Cell(identity.principal.description),
                Table.Cell(identity.trustDomain), Table.Cell(identity.cloud.first?.description ?? ""),
                expiryCell(at: now),
            ]
        case .failure:
            return [current, Table.Cell(name), Table.Cell("cannot be read", style: .bad), "", "", ""]
        }
    }

    func details(origin: ContextChoice.Origin?) -> String {
        var lines = [("context", name), ("current", isCurrent ? "yes" : "no")]
        if let origin, origin != .current { lines.append(("chosen by", origin.rawValue)) }
        lines.append(("directory", path))
        switch identity {
        case .success(let identity):
            lines += [
                ("identity", identity.principal.description), ("trust domain", identity.trustDomain),
                ("cloud", identity.cloud.map(\.description).joined(separator: ", ")),
                ("certificate until", expiry.map(Self.text) ?? "-"),
                ("renewed at", Self.text(identity.renewTime)),
            ]
        case .failure(let error):
            lines.append(("identity", "cannot be read: \(error)"))
        }
        return Details.render(lines)
    }

    /// For programs; docs/cli.md lists the names.
    var json: JSONValue {
        var members: [(String, JSONValue)] = [
            ("name", .text(name)), ("current", .boolean(isCurrent)), ("home", .text(path)),
        ]
        switch identity {
        case .success(let identity):
            members += [
                ("principal", .text(identity.principal.description)),
                ("trustDomain", .text(identity.trustDomain)),
                ("cloud", .list(identity.cloud.map { .text($0.description) })),
                ("expireTime", .optional(expiry.map(Self.text))),
                ("renewTime", .text(Self.text(identity.renewTime))), ("error", .null),
            ]
        case .failure(let error):
            members += [
                ("principal", .null), ("trustDomain", .null), ("cloud", .list([])), ("expireTime", .null),
                ("renewTime", .null), ("error", .text(error.description)),
            ]
        }
        return .object(members)
    }
}
