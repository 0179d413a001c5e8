/// What somebody who watches a core's programs is told.
public enum ProgramNews: Hashable, Sendable {
    /// An instance wrote a line.
    case line(instance: String, text: String)
    /// An instance is in another state, and why, where there is something to say.
    case state(instance: String, state: String, reason: String)

    /// One line for a program that reads it: the kind, the instance, and what there is to say, separated by tabs.
    public var text: String {
        switch self {
        case .line(let instance, let text): "line\t\(instance)\t\(text)"
        case .state(let instance, let state, let reason):
            "state\t\(instance)\t\(state)\t\(Self.oneLine(reason))"
        }
    }

    private static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}
