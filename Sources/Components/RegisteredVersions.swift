/// The registered versions of one component, as a search sees them.
struct RegisteredVersions: Sendable {
    /// All of them, the newest first.
    let all: [SemanticVersion]
    /// Those that run on every core of the group, the newest first and deprecated ones last.
    let candidates: [ComponentCandidate]
    /// The others, the newest first.
    let misfits: [PlatformMisfit]

    /// - Parameter cores: the group's cores whose platforms are known, by name.
    init(_ candidates: [ComponentCandidate], cores: [(name: String, platform: Platform)]) {
        let sorted = candidates.sorted { $0.version > $1.version }
        var usable: [ComponentCandidate] = []
        var misfits: [PlatformMisfit] = []
        for candidate in sorted {
            let hindering =
                candidate.platforms.isEmpty
                ? nil
                : cores.first { core in !candidate.platforms.contains { $0.matches(core.platform) } }
            if let core = hindering {
                misfits.append(
                    PlatformMisfit(
                        version: candidate.version, core: core.name, platform: core.platform,
                        entries: candidate.platforms))
            } else {
                usable.append(candidate)
            }
        }
        self.all = sorted.map(\.version)
        self.candidates = usable.filter { !$0.isDeprecated } + usable.filter(\.isDeprecated)
        self.misfits = misfits
    }
}
