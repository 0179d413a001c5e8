import Identity

/// What is asked of one component and cannot be had together.
public struct ResolutionConflict: Error, Hashable, Sendable, CustomStringConvertible {
    /// Why it cannot be had.
    public enum Cause: Hashable, Sendable {
        /// No version lies in every range.
        case noVersion
        /// There is no such component; perhaps another one was meant.
        case unknownComponent(suggestion: String?)
        /// Versions lie in every range, but with them something else does not fit.
        case versionInUse(SemanticVersion)
        /// The instance that would be added has the name of an instance of another component.
        case nameTaken(component: String)
        /// The group would have more instances than it may.
        case tooManyInstances(limit: Int)
    }

    /// Most reasons that ``description`` names.
    public static let mostReasonsNamed = 4

    /// Index, in the group's list, of the instance that brought the conflict.
    public let index: Int?
    /// Name of the instance that cannot be had.
    public let instance: String
    /// The component.
    public let component: String
    /// Why not.
    public let cause: Cause
    /// Every range that is asked of it, with who asks and why; the two that exclude each other where there are
    /// such.
    public let reasons: [ResolutionReason]
    /// The registered versions, the newest first.
    public let versions: [SemanticVersion]
    /// Versions that do not run on one of the group's cores.
    public let misfits: [PlatformMisfit]

    /// Who wants what, and which versions there are.
    public var description: String {
        let shown = reasons.prefix(Self.mostReasonsNamed).map(\.description)
        let more = reasons.count - shown.count
        let wants = (shown + (more > 0 ? ["\(more) more want it"] : [])).joined(separator: "; and ")
        let what = instance == component ? component : "component:\(instance) (\(component))"
        switch cause {
        case .noVersion:
            return "no version of \(what) suits all: \(wants); \(existing)"
        case .unknownComponent(let suggestion):
            let hint =
                suggestion.map { "did you mean \"\($0)\"?" }
                ?? "register it with hedgerow components push FILE"
            return "\(wants), but there is no component \"\(component)\"; \(hint)"
        case .versionInUse(let version):
            return "\(what) would have to be \(version), and that does not suit all: \(wants); \(existing)"
        case .nameTaken(let other):
            return
                "\(wants), and an instance \"\(component)\" would be added for it, but the group has one of that name, "
                + "of the component \"\(other)\"; rename it, or add an instance of \(component) to the group"
        case .tooManyInstances(let limit):
            return
                "\(wants), but the group would have more than \(limit) instances with those that dependencies add"
        }
    }

    private var existing: String {
        let there =
            versions.isEmpty
            ? "there is no version"
            : "there \(versions.count == 1 ? "is" : "are") \(UnresolvedComponent.named(versions))"
        return PlatformMisfit.summary(misfits).map { "\(there); \($0)" } ?? there
    }
}

extension ResolutionConflict {
    /// The same about a component that is unknown, with the name that was probably meant.
    func suggesting(among names: [String]) -> ResolutionConflict {
        ResolutionConflict(
            index: index, instance: instance, component: component,
            cause: .unknownComponent(suggestion: Suggestion.nearest(to: component, in: names)),
            reasons: reasons, versions: versions, misfits: misfits)
    }
}
