import Synchronization

/// The last line of a terminal, which says what a command waits for and how long it has: `| waiting for the cloud ...
/// 3 s`. Above it may be rows of a table that changes.
///
/// It appears after a second in which nothing else was written, and is erased before anything else is. Everything
/// that goes to the terminal meanwhile has to go through ``around(_:_:)``.
final class StatusLine: Sendable {
    /// How long a command is quiet before the line appears.
    static let patience = Duration.seconds(1)
    /// Time between two pictures.
    static let interval = Duration.milliseconds(200)

    /// Most rows above the line.
    static let maximumRows = 12

    private struct Entry {
        let id: Int
        var text: String
        var rows: [String] = []
        let start: Duration
    }

    private struct State {
        /// What is waited for; the last one is shown.
        var entries: [Entry] = []
        var nextID = 0
        var picture = 0
        /// Lines that are drawn now; 0 where nothing is.
        var drawn = 0
        /// A line that was begun by something else must not be erased.
        var isAtLineStart = true
        var quietSince = Duration.zero
    }

    private static let pictures: [Character] = ["|", "/", "-", "\\"]
    private static let erasure = "\r\u{1B}[K"

    private let write: @Sendable (String) -> Void
    private let width: @Sendable () -> Int
    private let style: Style
    private let time: ProgressTime
    private let state = Mutex(State())

    /// Makes a line that is not there yet.
    ///
    /// - Parameters:
    ///   - time: counts the seconds.
    ///   - width: columns of the terminal.
    ///   - write: writes to the terminal.
    init(
        time: ProgressTime, width: @escaping @Sendable () -> Int, style: Style,
        write: @escaping @Sendable (String) -> Void
    ) {
        self.time = time
        self.width = width
        self.style = style
        self.write = write
    }

    /// Erases the line, writes something else, and lets the line wait again.
    ///
    /// - Parameter text: what `body` writes.
    func around<Failure: Error>(_ text: String, _ body: (String) throws(Failure) -> Void) throws(Failure) {
        try state.withLock { state throws(Failure) in
            erase(&state)
            state.quietSince = time.elapsed()
            if !text.isEmpty { state.isAtLineStart = text.hasSuffix("\n") }
            try body(text)
        }
    }

    /// Begins to wait for something.
    ///
    /// - Returns: its number, and whether nothing else is waited for: then somebody has to ``tick()``.
    func begin(_ text: String) -> (id: Int, isFirst: Bool) {
        state.withLock { state in
            let now = time.elapsed()
            if state.entries.isEmpty { state.quietSince = now }
            state.nextID += 1
            state.entries.append(Entry(id: state.nextID, text: text, start: now))
            return (state.nextID, state.entries.count == 1)
        }
    }

    /// Says something else about what is waited for; the seconds go on.
    ///
    /// - Parameter rows: stand above the line; the first ``maximumRows`` of them.
    func replace(_ id: Int, _ text: String, rows: [String] = []) {
        state.withLock { state in
            guard let index = state.entries.firstIndex(where: { $0.id == id }) else { return }
            state.entries[index].text = text
            state.entries[index].rows = Array(rows.prefix(Self.maximumRows))
        }
    }

    /// Ends to wait for something.
    func end(_ id: Int) {
        state.withLock { state in
            state.entries.removeAll { $0.id == id }
            if state.entries.isEmpty { erase(&state) }
        }
    }

    /// Whether something is waited for.
    var isBusy: Bool { state.withLock { !$0.entries.isEmpty } }

    /// Draws the line until it is cancelled.
    func tick() async {
        while (try? await time.sleep(Self.interval)) != nil { draw() }
    }

    private func draw() {
        state.withLock { state in
            let now = time.elapsed()
            guard let entry = state.entries.last, state.isAtLineStart,
                now - max(entry.start, state.quietSince) >= Self.patience
            else { return }
            state.picture = (state.picture + 1) % Self.pictures.count
            let seconds = " ... \((now - entry.start).components.seconds) s"
            // One column stays free: a full line makes some terminals begin the next.
            let width = width()
            let room = max(0, width - seconds.count - 3)
            let text = Text.printable(entry.text).prefix(room)
            var lines = entry.rows.map { String(Text.printable($0).prefix(max(0, width - 1))) }
            lines.append("\(Self.pictures[state.picture]) \(text)\(seconds)")
            write(Self.erasure(of: state.drawn) + lines.map(style.apply(to:)).joined(separator: "\n"))
            state.drawn = lines.count
        }
    }

    private func erase(_ state: inout State) {
        if state.drawn > 0 { write(Self.erasure(of: state.drawn)) }
        state.drawn = 0
    }

    /// Goes to the first of so many lines, the last of which the cursor is in, and erases all.
    private static func erasure(of lines: Int) -> String {
        lines > 1 ? "\u{1B}[\(lines - 1)A\r\u{1B}[J" : erasure
    }
}
