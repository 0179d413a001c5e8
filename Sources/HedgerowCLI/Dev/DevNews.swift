/// What a core that was started with `--print-programs` says of its programs, line by line.
enum DevNews: Hashable, Sendable {
    /// An instance wrote a line.
    case line(instance: String, text: String)
    /// An instance is in another state.
    case state(instance: String, state: String, reason: String)

    /// Reads a line; nil where it is none of these.
    init?(_ line: String) {
        let parts = line.split(separator: "\t", maxSplits: 2, omittingEmptySubsequences: false).map(
            String.init)
        guard parts.count == 3 else { return nil }
        switch parts[0] {
        case "line": self = .line(instance: parts[1], text: parts[2])
        case "state":
            let rest = parts[2].split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
            self = .state(
                instance: parts[1], state: String(rest[0]), reason: rest.count > 1 ? String(rest[1]) : "")
        default: return nil
        }
    }
}
