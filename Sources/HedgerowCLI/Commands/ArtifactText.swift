import FoundationEssentials
import HedgerowAPI
import RPCSupport

/// Artifacts as the command line shows them.
enum ArtifactText {
    typealias Artifact = Hedgerow_Artifact_V1_Artifact

    static let header = ["DIGEST", "NAME", "SIZE", "UPLOADED", "USED BY"]
    /// Digits of a digest in lists; enough for `show` and `get`.
    static let shortDigits = 16

    static func cells(_ artifact: Artifact) -> [Table.Cell] {
        [
            Table.Cell(String(ArtifactDigest.text(artifact.digest).prefix(shortDigits))),
            Table.Cell(artifact.name), Table.Cell(ByteText.text(artifact.sizeBytes)),
            Table.Cell(TimeText.milliseconds(artifact.hasCreateTime ? artifact.createTime : nil) ?? ""),
            Table.Cell(
                artifact.users.isEmpty
                    ? "nothing"
                    : artifact.users.prefix(3).map(name).joined(separator: " ")
                        + (artifact.users.count > 3 ? " …" : ""),
                style: artifact.users.isEmpty ? .faint : .plain),
        ]
    }

    /// Everything about one, for people.
    static func details(_ artifact: Artifact) -> String {
        var lines = [
            "digest:   \(ArtifactDigest.text(artifact.digest))", "name:     \(Text.printable(artifact.name))",
            "size:     \(artifact.sizeBytes) bytes (\(ByteText.text(artifact.sizeBytes)))",
            "uploaded: \(TimeText.milliseconds(artifact.createTime) ?? "")",
            "used:     \(TimeText.milliseconds(artifact.useTime) ?? "")",
        ]
        if artifact.users.isEmpty {
            lines.append("used by:  nothing; it is removed a while after its last use")
        } else {
            lines += artifact.users.map { "used by:  \(name($0))" }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// For programs; docs/cli.md lists the names.
    static func members(_ artifact: Artifact) -> [(String, JSONValue)] {
        [
            ("digest", .text(ArtifactDigest.text(artifact.digest))), ("name", .text(artifact.name)),
            ("size", .unsigned(artifact.sizeBytes)),
            (
                "createTime",
                .optional(TimeText.milliseconds(artifact.hasCreateTime ? artifact.createTime : nil))
            ),
            ("useTime", .optional(TimeText.milliseconds(artifact.hasUseTime ? artifact.useTime : nil))),
            ("users", .list(artifact.users.map { .text(name($0)) })),
        ]
    }

    private static func name(_ user: Hedgerow_Artifact_V1_ArtifactUser) -> String {
        "\(user.component)@\(user.version)"
    }
}
