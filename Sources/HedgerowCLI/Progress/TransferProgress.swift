import RPCSupport
import Synchronization

/// Says how far a transfer is: a bar on a terminal, elsewhere a line now and then.
final class TransferProgress: Sendable {
    /// Time between two lines where there is no terminal.
    static let interval = Duration.seconds(10)
    /// Characters of the bar.
    static let barWidth = 20

    private struct State {
        var start: (time: Duration, done: UInt64)?
        var said = Duration.zero
    }

    private let what: String
    private let size: UInt64
    private let progress: Progress
    private let io: CommandIO
    private let state = Mutex(State())

    /// - Parameters:
    ///   - what: what is done with what: `uploading model.onnx`.
    ///   - size: bytes of all of it.
    init(_ what: String, size: UInt64, progress: Progress, io: CommandIO = .current) {
        self.what = what
        self.size = size
        self.progress = progress
        self.io = io
    }

    /// So many bytes are there.
    func reached(_ done: UInt64) {
        let now = io.time.elapsed()
        let (speed, isDue) = state.withLock { state -> (UInt64?, Bool) in
            guard let start = state.start else {
                state.start = (now, done)
                state.said = now
                return (nil, io.status == nil)
            }
            let seconds = (now - start.time) / .seconds(1)
            let isDue = io.status == nil && now - state.said >= Self.interval
            if isDue { state.said = now }
            let moved = done > start.done ? done - start.done : 0
            return (seconds >= 0.5 ? UInt64(Double(moved) / seconds) : nil, isDue)
        }
        let text = Self.text(done, of: size, speed: speed)
        progress.say("\(what) \(Self.bar(done, of: size)) \(text)")
        if isDue { CLIError.note("\(what): \(text)", io) }
    }

    /// `22.5 MiB of 50.0 MiB (45 %), 8.1 MiB/s`.
    static func text(_ done: UInt64, of size: UInt64, speed: UInt64?) -> String {
        "\(ByteText.text(done)) of \(ByteText.text(size)) (\(percent(done, of: size)) %)"
            + (speed.map { ", \(ByteText.text($0))/s" } ?? "")
    }

    /// `[#########-----------]`.
    static func bar(_ done: UInt64, of size: UInt64) -> String {
        let full = percent(done, of: size) * barWidth / 100
        return "[" + String(repeating: "#", count: full) + String(repeating: "-", count: barWidth - full)
            + "]"
    }

    private static func percent(_ done: UInt64, of size: UInt64) -> Int {
        size == 0 ? 100 : Int(min(Double(done) / Double(size), 1) * 100)
    }
}
