/// What is executed: a program with its arguments, or a line for the shell.
public enum ProcessCommand: Hashable, Sendable {
    /// A program and its arguments, the program first; it is looked up in the PATH where it has no `/`.
    case arguments([String])
    /// A text that `sh -c` runs.
    case shell(String)

    /// Limits of a command.
    public enum Limits {
        /// Most arguments, the program included.
        public static let arguments = 256
        /// Most bytes of all arguments, or of the text: 32 KiB.
        public static let bytes = 32 << 10
    }

    /// Program and arguments as they are executed, at least one: `["sh", "-c", TEXT]` for a text.
    public var argumentVector: [String] {
        switch self {
        case .arguments(let arguments): arguments
        case .shell(let text): ["sh", "-c", text]
        }
    }

    /// What is wrong with it, one sentence; nil where nothing is.
    public var problem: String? {
        let parts: [String]
        switch self {
        case .arguments(let arguments):
            guard let program = arguments.first, !program.isEmpty else {
                return "the command names no program; write a list such as [python3, main.py]"
            }
            if arguments.count > Limits.arguments {
                return "\(arguments.count) arguments are too many; a command has at most \(Limits.arguments)"
            }
            parts = arguments
        case .shell(let text):
            if text.allSatisfy(\.isWhitespace) {
                return "the command is empty; write what sh has to run, or a list such as [python3, main.py]"
            }
            parts = [text]
        }
        if parts.contains(where: { $0.utf8.contains(0) }) {
            return "the command contains U+0000; remove it"
        }
        let size = parts.reduce(0) { $0 + $1.utf8.count }
        return size > Limits.bytes
            ? "the command has \(size) bytes; at most \(Limits.bytes) are allowed, put the rest into an artifact"
            : nil
    }
}

extension ProcessCommand: CustomStringConvertible {
    /// For people: `python3 main.py`, or the text.
    public var description: String {
        switch self {
        case .arguments(let arguments):
            arguments.map { $0.isEmpty || $0.contains(where: \.isWhitespace) ? "'\($0)'" : $0 }
                .joined(separator: " ")
        case .shell(let text): text
        }
    }
}
