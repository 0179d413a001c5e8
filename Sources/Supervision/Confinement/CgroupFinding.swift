/// Whether the core may make control groups (version 2) for its programs.
public enum CgroupFinding: Hashable, Sendable {
    /// It may, with these controllers; with none of them they only serve to end a program whole.
    case usable(controllers: [String])
    /// It may not, and why.
    case absent(reason: String)

    /// Whether there is a controller.
    func has(_ controller: String) -> Bool {
        if case .usable(let controllers) = self { return controllers.contains(controller) }
        return false
    }
}
