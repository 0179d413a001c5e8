/// A version that does not run on a core of the group.
public struct PlatformMisfit: Hashable, Sendable {
    /// The version.
    public let version: SemanticVersion
    /// Name of the core.
    public let core: String
    /// What the core runs on.
    public let platform: Platform
    /// What the version is for.
    public let entries: [PlatformEntry]

    /// The same about several versions, for people: of the first of them what it is for. Nil where there is none.
    static func summary(_ misfits: [PlatformMisfit]) -> String? {
        guard let first = misfits.first else { return nil }
        let core = "core \"\(first.core)\" (\(first.platform))"
        let versions = UnresolvedComponent.named(misfits.map(\.version))
        let entries = first.entries.prefix(3).map(\.description).joined(separator: ", or ")
        return "\(core) cannot run \(versions), \(first.version) is for \(entries)"
    }
}
