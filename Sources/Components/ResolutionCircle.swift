/// Components that depend on each other in a circle, so that none could start first.
public struct ResolutionCircle: Error, Hashable, Sendable, CustomStringConvertible {
    /// Index, in the group's list, of the instance that brought the circle.
    public let index: Int?
    /// The wishes along the circle, each of the instance that the one before asks for.
    public let wishes: [ResolutionReason.Wish]
    /// Why the first of them is there.
    public let reason: ResolutionReason?

    /// The circle with who wants what.
    public var description: String {
        let names = wishes.map { wish in
            if case .component(let instance, _, _) = wish.asker {
                "component:\(instance)"
            } else {
                "the group"
            }
        }
        let circle = (names + names.prefix(1)).joined(separator: " → ")
        let wants = wishes.map(\.description).joined(separator: ", ")
        let because = reason.map { " (\($0))" } ?? ""
        return "\(circle) is a circle of dependencies: \(wants)\(because); remove one of them from its recipe"
    }
}
