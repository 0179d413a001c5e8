/// The last lines of a program, for people who ask.
struct LineTail: Sendable {
    /// Most lines.
    static let maximumLines = 500
    /// Most bytes of them.
    static let maximumBytes = 128 << 10

    private var lines: [String] = []
    private var bytes = 0

    /// Adds one; the oldest give way.
    mutating func add(_ line: String) {
        lines.append(line)
        bytes += line.utf8.count
        var gone = 0
        while lines.count - gone > Self.maximumLines || (bytes > Self.maximumBytes && gone < lines.count - 1)
        {
            bytes -= lines[gone].utf8.count
            gone += 1
        }
        if gone > 0 { lines.removeFirst(gone) }
    }

    /// The last so many.
    func last(_ count: Int) -> [String] { Array(lines.suffix(max(count, 0))) }
}
