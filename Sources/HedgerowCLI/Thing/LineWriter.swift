import Dispatch
import Foundation
import Synchronization

/// Writes lines to a file descriptor on a thread of its own, one write a line, so that neither a slow terminal
/// nor a slow disk holds up the rest.
final class LineWriter: Sendable {
    /// What happens when so many lines wait that memory would grow.
    enum WhenFull: Sendable {
        /// The line is left out, and how many were is said when there is room again.
        case drop
        /// The caller waits.
        case wait
    }

    /// Most lines that wait.
    static let limit = 10_000

    private struct State: Sendable {
        var waiting = 0
        var dropped = 0
    }

    private let file: FileHandle
    private let whenFull: WhenFull
    private let queue: DispatchQueue
    private let state = Mutex(State())

    init(_ file: FileHandle, whenFull: WhenFull) {
        self.file = file
        self.whenFull = whenFull
        self.queue = DispatchQueue(label: "hedgerow.lines")
    }

    /// Opens a file to append to, made where it is missing.
    static func appending(to path: String) throws -> LineWriter {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw CocoaError(
                .fileWriteUnknown,
                userInfo: [
                    NSLocalizedDescriptionKey:
                        "\(path) cannot be opened to append to: \(String(cString: strerror(errno)))."
                ])
        }
        return LineWriter(FileHandle(fileDescriptor: descriptor, closeOnDealloc: true), whenFull: .wait)
    }

    func write(_ line: String) {
        let accepted = state.withLock { state in
            if state.waiting >= Self.limit, whenFull == .drop {
                state.dropped += 1
                return false
            }
            state.waiting += 1
            return true
        }
        guard accepted else { return }
        if state.withLock({ $0.waiting }) > Self.limit { queue.sync {} }
        queue.async { [self] in
            let dropped = state.withLock { state in
                state.waiting -= 1
                defer { state.dropped = 0 }
                return state.dropped
            }
            let note = dropped > 0 ? "(\(dropped) lines left out: the output is too slow)\n" : ""
            try? file.write(contentsOf: Data((note + line + "\n").utf8))
        }
    }

    /// Waits until everything is written.
    func drain() async {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume() }
        }
    }
}
