extension Recipe {
    /// Whether the component runs on a platform: its recipe names no platforms, or one that matches.
    public func runs(on platform: Platform) -> Bool { platforms.includes(platform) }

    /// The entry of `platforms` that counts on a platform: the first, in the recipe's order, whose keys all
    /// match. Nil where none does.
    public func platformEntry(on platform: Platform) -> PlatformEntry? { platforms.entry(on: platform) }

    /// The files that the component has on a platform: those at the top of the recipe, and those of the entry
    /// that counts there. One in the entry takes the place of one of the same name at the top.
    public func artifacts(on platform: Platform) -> [ArtifactReference] {
        platforms.artifacts(on: platform, everywhere: artifacts)
    }

    /// Every file that the recipe names, on whichever platform, each content once and in the recipe's order.
    public var allArtifacts: [ArtifactReference] { platforms.allArtifacts(everywhere: artifacts) }
}

extension ComponentCandidate {
    /// The files of the version on a platform.
    public func artifacts(on platform: Platform) -> [ArtifactReference] {
        platforms.artifacts(on: platform, everywhere: artifacts)
    }

    /// Every file that its recipe names, on whichever platform.
    public var allArtifacts: [ArtifactReference] { platforms.allArtifacts(everywhere: artifacts) }
}

extension [PlatformEntry] {
    fileprivate func entry(on platform: Platform) -> PlatformEntry? { first { $0.matches(platform) } }

    fileprivate func includes(_ platform: Platform) -> Bool { isEmpty || entry(on: platform) != nil }

    fileprivate func artifacts(
        on platform: Platform, everywhere: [ArtifactReference]
    ) -> [ArtifactReference] {
        let own = entry(on: platform)?.artifacts ?? []
        let names = Set(own.map(\.name))
        return everywhere.filter { !names.contains($0.name) } + own
    }

    fileprivate func allArtifacts(everywhere: [ArtifactReference]) -> [ArtifactReference] {
        var seen = Set<[UInt8]>()
        return (everywhere + flatMap(\.artifacts)).filter { seen.insert($0.digest).inserted }
    }
}
