/// What `hedgerow dev` prints: messages and output of components as results, what became of a change beside them.
struct DevScreen: Sendable {
    private let io: CommandIO

    init(io: CommandIO) { self.io = io }

    /// Something to know.
    func say(_ text: String) { io.note(text) }

    /// Something that went well.
    func good(_ text: String) { io.note(styled(text, .good)) }

    /// What became of a change that was not applied, or failed.
    func bad(_ text: String) { io.note(styled(text, .bad)) }

    /// Every mistake with its place, as `apply` says it, and what that means.
    func mistakes(_ error: CLIError, isFirst: Bool) {
        for line in error.lines { CLIError.note(line, io) }
        bad(
            isFirst
                ? "nothing runs yet; save the corrected file"
                : "not applied; what ran goes on")
    }

    /// What a core says of its programs.
    func show(_ news: DevNews) {
        switch news {
        case .line(let instance, let text):
            let name = "[\(Text.printable(instance))]"
            try? io.print("\(io.isColoured ? Style.faint.apply(to: name) : name) \(Text.printable(text))")
        case .state(_, "NEW", _), .state(_, "INSTALLED", _), .state(_, "STARTING", _):
            // On the way to one of the others.
            return
        case .state(let instance, let state, let reason):
            let text = Text.printable("\(instance) is \(state)" + (reason.isEmpty ? "" : ": \(reason)"))
            io.note(styled(text, Self.style(of: state)))
        }
    }

    private static func style(of state: String) -> Style {
        switch state {
        case "RUNNING", "FINISHED": .good
        case "ERRORED", "BROKEN": .bad
        default: .faint
        }
    }

    private func styled(_ text: String, _ style: Style) -> String {
        io.isErrorColoured ? style.apply(to: text) : text
    }
}
