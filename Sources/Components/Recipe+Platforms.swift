extension Recipe {
    /// Whether the component runs on a platform: its recipe names no platforms, or one that matches.
    public func runs(on platform: Platform) -> Bool {
        platforms.isEmpty || platformEntry(on: platform) != nil
    }

    /// The entry of `platforms` that counts on a platform: the first, in the recipe's order, whose keys all
    /// match. Nil where none does.
    public func platformEntry(on platform: Platform) -> PlatformEntry? {
        platforms.first { $0.matches(platform) }
    }

    /// The files that the component has on a platform: those at the top of the recipe, and those of the entry
    /// that counts there. One in the entry takes the place of one of the same name at the top.
    public func artifacts(on platform: Platform) -> [ArtifactReference] {
        let own = platformEntry(on: platform)?.artifacts ?? []
        let names = Set(own.map(\.name))
        return artifacts.filter { !names.contains($0.name) } + own
    }

    /// Every file that the recipe names, on whichever platform, each content once and in the recipe's order.
    public var allArtifacts: [ArtifactReference] {
        var seen = Set<[UInt8]>()
        return (artifacts + platforms.flatMap(\.artifacts)).filter { seen.insert($0.digest).inserted }
    }
}
