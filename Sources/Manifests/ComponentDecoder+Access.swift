import Components
import Identity
import Transforms
import Yams

/// What a component may reach of its core.
extension ComponentDecoder {
    static let accessKeys = ["host", "shadows", "read", "write", "devices", "network"]
    private static let programKeys = ["read", "write", "devices", "network"]

    /// Reads `access`. What only a program can use is refused on a transform.
    ///
    /// - Returns: the access, and whether all of it could be read.
    mutating func readAccess(
        _ entry: ManifestReader.Entry, ofProcess isProcess: Bool
    ) -> (ComponentAccess, isRead: Bool) {
        places["access"] = entry.keyPlace
        let errorsBefore = reader.errors.count
        var access = ComponentAccess()
        let fields =
            reader.fields(
                entry.value, what: "access", known: Self.accessKeys,
                advice: ["files": "access to files is named by path; write \"read\" or \"write\""]) ?? [:]
        if let host = fields["host"] { access.host = readHost(host) }
        if let shadows = fields["shadows"] {
            places["access.shadows"] = shadows.keyPlace
            access.shadows = reader.choice(shadows, what: "access to shadows")
        }
        if !isProcess {
            for key in Self.programKeys {
                guard let field = fields[key] else { continue }
                reader.report(
                    field.keyPlace, "\"\(key)\" is for programs (\"process\"), not for transforms; remove it")
            }
            return (access, reader.errors.count == errorsBefore)
        }
        var seen = Set<String>()
        // What may be written may be read.
        if let entry = fields["write"] {
            access.write = readPaths(entry, seen: &seen, problem: AccessPathRule.problem(withPath:))
        }
        if let entry = fields["read"] {
            access.read = readPaths(entry, seen: &seen, problem: AccessPathRule.problem(withPath:))
        }
        if let entry = fields["devices"] {
            access.devices = readPaths(entry, seen: &seen, problem: AccessPathRule.problem(withDevice:))
        }
        if let entry = fields["network"], let flag = reader.flag(entry) { access.network = flag }
        return (access, reader.errors.count == errorsBefore)
    }

    private mutating func readHost(_ host: ManifestReader.Entry) -> HostAccess {
        places["access.host"] = host.keyPlace
        var access: HostAccess = []
        for node in reader.list(host) ?? [] {
            guard let name = reader.text(node, what: "a name in \"host\"") else { continue }
            if let ability = HostAccess(name: name) {
                if access.contains(ability) {
                    reader.report(Place(node.mark), "\"\(name)\" is listed twice; remove one")
                }
                access.formUnion(ability)
            } else {
                let near = Suggestion.nearest(to: name, in: HostAccess.allNames)
                reader.report(
                    Place(node.mark),
                    "there is no host access \"\(reader.shown(name))\"; "
                        + (near.map { "did you mean \"\($0)\"?" }
                            ?? "known are \(HostAccess.allNames.joined(separator: ", "))"))
            }
        }
        return access
    }

    private mutating func readPaths(
        _ entry: ManifestReader.Entry, seen: inout Set<String>, problem: (String) -> String?
    ) -> [String] {
        guard let nodes = reader.list(entry) else { return [] }
        if nodes.count > ComponentAccess.maximumPaths {
            reader.report(
                entry.keyPlace,
                "\(nodes.count) paths are too many; \"\(entry.key)\" has at most \(ComponentAccess.maximumPaths)"
            )
            return []
        }
        var paths: [String] = []
        for node in nodes {
            guard let path = reader.text(node, what: "a path in \"\(entry.key)\"") else { continue }
            if let problem = problem(path) {
                reader.report(Place(node.mark), problem)
            } else if !seen.insert(path).inserted {
                reader.report(
                    Place(node.mark), "\"\(reader.shown(path))\" is listed twice in \"access\"; remove one")
            } else {
                paths.append(path)
            }
        }
        return paths
    }
}
