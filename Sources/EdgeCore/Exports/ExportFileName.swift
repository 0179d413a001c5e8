/// The name of a file that a stream is exported to: `STREAM-TIME-NUMBER.jsonl`, with `.part` behind it while it is
/// written.
struct ExportFileName: Hashable, Comparable {
    /// What the name of a finished file ends with.
    static let finished = ".jsonl"
    /// What the name of a file that is being written ends with.
    static let partial = ".jsonl.part"

    let stream: String
    /// When it was begun, as ``UTCTime/compact``.
    let time: String
    /// Ascending in the directory.
    let number: UInt64

    init(stream: String, time: String, number: UInt64) {
        self.stream = stream
        self.time = time
        self.number = number
    }

    /// Reads the name of a finished file of a stream, or of a partial one; nil for any other file.
    init?(_ name: String, stream: String, suffix: String) {
        guard name.hasPrefix(stream + "-"), name.hasSuffix(suffix) else { return nil }
        let middle = name.dropFirst(stream.utf8.count + 1).dropLast(suffix.utf8.count)
        let parts = middle.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count == 16, parts[0].hasSuffix("Z"),
            parts[0].dropLast().allSatisfy({ $0.isNumber || $0 == "T" }), parts[1].allSatisfy(\.isNumber),
            let number = UInt64(parts[1])
        else { return nil }
        self.init(stream: stream, time: String(parts[0]), number: number)
    }

    /// Name without its end.
    var base: String {
        let digits = String(number)
        return "\(stream)-\(time)-" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }

    /// Name of the finished file.
    var whole: String { base + Self.finished }
    /// Name of the file while it is written.
    var part: String { base + Self.partial }

    static func < (one: ExportFileName, other: ExportFileName) -> Bool {
        (one.number, one.time) < (other.number, other.time)
    }
}
