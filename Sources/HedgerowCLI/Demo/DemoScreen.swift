import Foundation

/// What the demo prints.
struct DemoScreen: Sendable {
    private let io: CommandIO
    private let start = ContinuousClock.now

    init(io: CommandIO) { self.io = io }

    /// A step: what happens now, and why.
    func step(_ text: String) {
        let (seconds, fraction) = (ContinuousClock.now - start).components
        let tenths = fraction / 100_000_000_000_000_000
        let clock = String(repeating: " ", count: seconds < 10 ? 1 : 0) + "\(seconds).\(tenths)s"
        line("")
        line("\(style("[\(clock)]", "2")) \(style(text, "1"))")
    }

    /// A command that somebody could have typed.
    func command(_ arguments: [String]) {
        line(style("         $ hedgerow " + arguments.map(Self.quoted).joined(separator: " "), "36"))
    }

    func note(_ text: String) { line("         " + text) }

    func good(_ text: String) { line("         " + style(text, "32")) }

    func bad(_ text: String) { line("         " + style(text, "31")) }

    func dim(_ text: String) { line("         " + style(text, "2")) }

    var elapsed: Duration { ContinuousClock.now - start }

    private func line(_ text: String) { try? io.print(text) }

    private func style(_ text: String, _ code: String) -> String {
        io.isColoured ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }

    private static func quoted(_ word: String) -> String {
        word.contains(where: { " #*$&;|<>(){}'\"".contains($0) }) ? "'\(word)'" : word
    }
}
