import Identity

/// A component instance that no registered version fits, with what there is.
public struct UnresolvedComponent: Error, Hashable, Sendable, CustomStringConvertible {
    /// Most versions that ``description`` names.
    public static let mostVersionsNamed = 10

    /// Index of the instance in the group's list.
    public let index: Int
    /// The instance, with the component and the range that it asks for.
    public let instance: ComponentInstance
    /// The registered versions of the component, the newest first; empty where there is no such component.
    public let versions: [SemanticVersion]
    /// Name of a registered component that may have been meant; nil where the component exists or none is near.
    public let suggestion: String?
    /// Versions in the range that do not run on one of the group's cores.
    public let misfits: [PlatformMisfit]

    init(
        index: Int, instance: ComponentInstance, versions: [SemanticVersion], names: [String],
        misfits: [PlatformMisfit] = []
    ) {
        self.index = index
        self.instance = instance
        self.versions = versions.sorted(by: >)
        self.misfits = misfits.filter { instance.version.contains($0.version) }
        self.suggestion =
            versions.isEmpty ? Suggestion.nearest(to: instance.component, in: names) : nil
    }

    /// The same as a problem of the group's definition, at the place that is wrong.
    public var problem: DefinitionProblem {
        let key =
            if !versions.isEmpty { "version" } else if instance.component == instance.name { "name" } else {
                "component"
            }
        return DefinitionProblem(path: "components[\(index)].\(key)", message: description)
    }

    /// Which instance wants what, and which versions exist.
    public var description: String {
        let who = "component:\(instance.name) wants \(instance.component) \(instance.request)"
        if versions.isEmpty {
            let hint =
                suggestion.map { "did you mean \"\($0)\"?" }
                ?? "register it with hedgerow components push FILE"
            return "\(who), but there is no component \"\(instance.component)\"; \(hint)"
        }
        if let misfit = PlatformMisfit.summary(misfits) {
            return "\(who), but \(misfit) (there \(are) \(named))"
        }
        if let prerelease = prereleaseWithin {
            return "\(who), but only pre-releases fit, and a range takes them only where it names one; "
                + "write \(prerelease) to take it (there \(are) \(named))"
        }
        return "\(who), but no version fits; there \(are) \(named)"
    }

    private var are: String { versions.count == 1 ? "is" : "are" }

    /// The newest pre-release that fits but for the rule for pre-releases.
    private var prereleaseWithin: SemanticVersion? {
        let lenient = try? VersionRange(parsing: instance.version.description, prereleases: .always)
        return lenient?.maxSatisfying(versions)
    }

    private var named: String { Self.named(versions) }

    /// The first versions of a list, and how many more there are.
    static func named(_ versions: [SemanticVersion]) -> String {
        let some = versions.prefix(mostVersionsNamed).map(\.description).joined(separator: ", ")
        return versions.count > mostVersionsNamed
            ? "\(some) and \(versions.count - mostVersionsNamed) older" : some
    }
}
