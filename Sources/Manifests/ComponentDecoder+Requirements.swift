import Components
import Identity
import Yams

/// What a component needs around it: other components, a platform, files.
extension ComponentDecoder {
    /// What of a recipe is about its surroundings.
    struct Requirements {
        var dependencies: [ComponentDependency] = []
        var platforms: [PlatformEntry] = []
        var artifacts: [ArtifactReference] = []
    }

    /// Reads `dependencies`, `platforms` and `artifacts`.
    mutating func readRequirements(_ fields: [String: ManifestReader.Entry], of name: String?) -> Requirements
    {
        var requirements = Requirements()
        if let entry = fields["dependencies"] {
            requirements.dependencies = readDependencies(entry, of: name)
        }
        if let entry = fields["artifacts"] { requirements.artifacts = readArtifacts(entry) }
        if let entry = fields["platforms"] { requirements.platforms = readPlatforms(entry) }
        checkArtifacts(requirements, at: fields["artifacts"] ?? fields["platforms"])
        return requirements
    }

    // MARK: Configuration

    /// Reads the configuration that instances run with where they say nothing else.
    mutating func readConfiguration(_ entry: ManifestReader.Entry) -> RecipeConfiguration {
        places["configuration"] = entry.keyPlace
        var found: [(key: String, place: Place)] = []
        let members = reader.configurationMembers(entry.value, what: "\"configuration\"") { keys, place in
            if keys.count == 1 { found.append((keys[0], place)) }
        }
        for (key, place) in found { places["configuration.\(key)"] = place }
        // What could not be read is known by name, so that its uses are no errors as well.
        var values = members ?? [:]
        for (key, _) in found where values[key] == nil { values[key] = .null }
        let bytes = ConfigurationValue.object(values).json.utf8.count
        if bytes > ConfigurationValue.maximumBytes {
            reader.report(
                entry.keyPlace,
                "the configuration has \(bytes) bytes as JSON; at most \(ConfigurationValue.maximumBytes) are allowed"
            )
        }
        return RecipeConfiguration(values)
    }

    // MARK: Dependencies

    static let dependencyKeys = ["version", "kind"]

    private mutating func readDependencies(
        _ entry: ManifestReader.Entry, of name: String?
    ) -> [ComponentDependency] {
        guard let entries = reader.entries(entry.value, what: "\"dependencies\"") else { return [] }
        if entries.count > ComponentDependency.maximumCount {
            reader.report(
                entry.keyPlace,
                "\(entries.count) dependencies are too many; a component has at most "
                    + "\(ComponentDependency.maximumCount)")
            return []
        }
        return entries.compactMap { dependency in
            checkName(dependency.key, at: dependency.keyPlace, what: "the dependency's")
            if dependency.key == name {
                reader.report(
                    dependency.keyPlace, "\"\(dependency.key)\" depends on itself; remove the dependency")
            }
            return readDependency(dependency)
        }
    }

    private mutating func readDependency(_ entry: ManifestReader.Entry) -> ComponentDependency? {
        guard reader.isMapping(entry.value) else {
            return range(entry.value, what: "the version of \"\(reader.shown(entry.key))\"").map {
                ComponentDependency(component: entry.key, version: $0)
            }
        }
        guard
            let parts = reader.fields(
                entry.value, what: "a dependency", known: Self.dependencyKeys, required: ["version"])
        else { return nil }
        let version = parts["version"].flatMap { range($0.value, what: "\"version\"") }
        var kind = ComponentDependency.Kind.hard
        if let entry = parts["kind"], let text = reader.text(entry.value, what: "\"kind\"") {
            if let known = ComponentDependency.Kind(rawValue: text) {
                kind = known
            } else {
                reader.report(
                    entry.place,
                    "the kind of a dependency is hard (restarts with it) or soft (does not), not "
                        + "\"\(reader.shown(text))\"")
            }
        }
        return version.map { ComponentDependency(component: entry.key, version: $0, kind: kind) }
    }

    private mutating func range(_ node: Node, what: String) -> VersionRange? {
        guard let text = reader.text(node, what: what) else { return nil }
        do throws(InvalidVersionRange) {
            return try VersionRange(parsing: text)
        } catch {
            reader.report(Place(node.mark), error.description)
            return nil
        }
    }

    // MARK: Platforms

    /// Most bytes of a key of a platform, and of its value.
    private static let maximumPlatformText = 128

    private mutating func readPlatforms(_ entry: ManifestReader.Entry) -> [PlatformEntry] {
        guard let nodes = reader.list(entry) else { return [] }
        if nodes.isEmpty {
            reader.report(
                entry.place, "\"platforms\" is empty; remove it where the component runs everywhere")
        }
        if nodes.count > PlatformEntry.maximumEntries {
            reader.report(
                entry.keyPlace,
                "\(nodes.count) platforms are too many; a component has at most "
                    + "\(PlatformEntry.maximumEntries)")
            return []
        }
        return nodes.compactMap { readPlatform($0) }
    }

    private mutating func readPlatform(_ node: Node) -> PlatformEntry? {
        guard let entries = reader.entries(node, what: "a platform") else { return nil }
        var platform = PlatformEntry()
        for entry in entries {
            if entry.key == "artifacts" {
                platform.artifacts = readArtifacts(entry)
                continue
            }
            checkName(entry.key, at: entry.keyPlace, what: "the platform key's")
            guard let value = reader.text(entry.value, what: "\"\(reader.shown(entry.key))\"") else {
                continue
            }
            if value.isEmpty || value.utf8.count > Self.maximumPlatformText {
                reader.report(
                    entry.place,
                    "the value has \(value.utf8.count) bytes; 1 to \(Self.maximumPlatformText) are allowed")
            }
            platform.values[entry.key] = value
        }
        if platform.values.count > Platform.maximumKeys {
            reader.report(
                Place(node.mark),
                "\(platform.values.count) keys are too many; a platform has at most \(Platform.maximumKeys)")
        }
        return platform
    }

    // MARK: Artifacts

    static let artifactKeys = ["name", "sha256", "size"]

    private mutating func readArtifacts(_ entry: ManifestReader.Entry) -> [ArtifactReference] {
        var artifacts: [ArtifactReference] = []
        var names = Set<String>()
        for node in reader.list(entry) ?? [] {
            guard
                let fields = reader.fields(
                    node, what: "an artifact", known: Self.artifactKeys, required: Self.artifactKeys)
            else { continue }
            let name = fields["name"].flatMap { reader.text($0.value, what: "\"name\"") }
            let digest = fields["sha256"].flatMap { readDigest($0) }
            let size = fields["size"].flatMap { readSize($0) }
            if let name, let place = fields["name"]?.place {
                checkName(name, at: place, what: "the artifact's")
                if name == "." || name == ".." {
                    reader.report(place, "\"\(name)\" is no name of a file; name the artifact otherwise")
                }
                if !names.insert(name).inserted {
                    reader.report(place, "the artifact \"\(name)\" is listed twice; remove one")
                }
            }
            guard let name, let digest, let size else { continue }
            artifacts.append(ArtifactReference(name: name, digest: digest, size: size))
        }
        return artifacts
    }

    private mutating func readDigest(_ entry: ManifestReader.Entry) -> [UInt8]? {
        // Sixty-four digits may happen to look like a number.
        var text: String?
        if case .scalar(let scalar) = entry.value { text = scalar.string }
        guard let text else { return reader.text(entry.value, what: "\"sha256\"").flatMap { _ in nil } }
        let digits = text.compactMap(\.hexDigitValue)
        guard digits.count == 64, text.utf8.count == 64 else {
            reader.report(
                entry.place,
                "\"sha256\" has to be the 64 hexadecimal digits that sha256sum FILE prints")
            return nil
        }
        return stride(from: 0, to: 64, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    private mutating func readSize(_ entry: ManifestReader.Entry) -> Int64? {
        guard let size = reader.integer(entry) else { return nil }
        guard (0...Int(ArtifactReference.maximumSize)).contains(size) else {
            reader.report(
                entry.place,
                "\"size\" is in bytes, 0 to \(ArtifactReference.maximumSize) (4 GiB), not \(size)")
            return nil
        }
        return Int64(size)
    }

    private mutating func checkArtifacts(_ requirements: Requirements, at entry: ManifestReader.Entry?) {
        guard let entry else { return }
        let all = requirements.artifacts + requirements.platforms.flatMap(\.artifacts)
        if all.count > ArtifactReference.maximumCount {
            reader.report(
                entry.keyPlace,
                "\(all.count) artifacts are too many; a component has at most "
                    + "\(ArtifactReference.maximumCount), all platforms together")
        }
        var sizes: [[UInt8]: Int64] = [:]
        for artifact in all {
            if let size = sizes[artifact.digest], size != artifact.size {
                reader.report(
                    entry.keyPlace,
                    "the artifact \"\(artifact.name)\" has \(artifact.size) bytes here and \(size) there, under one "
                        + "SHA-256; correct one")
            }
            sizes[artifact.digest] = artifact.size
        }
    }

    mutating func checkName(_ name: String, at place: Place, what: String) {
        do throws(InvalidName) {
            try EntityName.validate(name)
        } catch {
            reader.report(place, "\(what) \(error)")
        }
    }
}
