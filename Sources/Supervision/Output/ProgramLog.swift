import Dispatch
import Logging
import Synchronization

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The log of one instance: what its program and hooks write, and what the supervisor says of them.
///
/// Reading and writing happen on a queue of its own. A slow disk lets the program wait, and nobody else.
// Sendable: what changes is `tail`, which locks, and all below `start`, which is only touched on `queue`.
final class ProgramLog: @unchecked Sendable {
    private let instance: String
    private let queue: DispatchQueue
    private let logger: Logger
    private let onLine: (@Sendable (ProgramLine) -> Void)?
    private let tail = Mutex(LineTail())
    private let start = ContinuousClock.now
    private var filter = OutputFilter()
    private var file: RotatingFile
    private var readers: [Int32: OutputReader] = [:]
    private var isWaiting = false
    private var hasFailed = false

    /// - Parameters:
    ///   - path: the current file.
    ///   - quota: most bytes of it and the older one.
    ///   - onLine: called for each line, on the log's queue.
    init(
        instance: String, path: String, quota: Int, logger: Logger,
        onLine: (@Sendable (ProgramLine) -> Void)?
    ) {
        self.instance = instance
        self.logger = logger
        self.onLine = onLine
        queue = DispatchQueue(label: "hedgerow.supervision.log", qos: .utility)
        file = RotatingFile(path: path, quota: quota)
    }

    /// A pipe that is read until nobody can write to it any more; returns the end for the program.
    ///
    /// - Throws: `Errno`.
    func pipe() throws -> FileDescriptor {
        let (reading, writing) = try Pipe.make()
        let descriptor = reading.rawValue
        queue.async {
            self.readers[descriptor] = OutputReader(
                descriptor: descriptor, queue: self.queue,
                take: { self.take($0) }, whenOver: { self.readers[descriptor] = nil })
        }
        return writing
    }

    /// Adds a line of the supervisor's own, in brackets.
    func note(_ text: String) {
        queue.async {
            self.filter.finish(now: self.now) { self.emit($0) }
            self.emit("[\(text)]")
        }
    }

    /// The last lines.
    func last(_ count: Int) -> [String] { tail.withLock { $0.last(count) } }

    /// Takes what is still in the pipes, and returns when it is in the file.
    func finish() async {
        await withCheckedContinuation { continuation in
            queue.async {
                for reader in Array(self.readers.values) { reader.finish() }
                self.filter.finish(now: self.now) { self.emit($0) }
                continuation.resume()
            }
        }
    }

    // MARK: On the queue

    private var now: Duration { start.duration(to: .now) }

    private func take(_ bytes: UnsafeRawBufferPointer) {
        filter.take(bytes, now: now) { emit($0) }
        guard !isWaiting else { return }
        isWaiting = true
        // A count that nothing follows is said, too.
        queue.asyncAfter(deadline: .now() + OutputFilter.sayAfter.timeInterval) {
            self.isWaiting = false
            self.filter.idle(now: self.now) { self.emit($0) }
        }
    }

    private func emit(_ line: String) {
        file.write(Array("\(Self.time()) \(line)\n".utf8))
        if file.failure != 0, !hasFailed {
            logger.warning(
                "the log of a component cannot be written",
                metadata: [
                    "instance": "\(instance)", "file": "\(file.path)",
                    "error": "\(String(cString: strerror(file.failure)))",
                ])
        }
        hasFailed = file.failure != 0
        tail.withLock { $0.add(line) }
        onLine?(ProgramLine(instance: instance, text: line))
    }

    /// The time of day in UTC, as in `2026-03-01T12:00:00.123Z`.
    private static func time() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        gmtime_r(&now.tv_sec, &parts)
        func digits(_ value: Int32, _ count: Int) -> String {
            let text = "\(value)"
            return String(repeating: "0", count: max(count - text.count, 0)) + text
        }
        let date = "\(parts.tm_year + 1_900)-\(digits(parts.tm_mon + 1, 2))-\(digits(parts.tm_mday, 2))"
        let time = "\(digits(parts.tm_hour, 2)):\(digits(parts.tm_min, 2)):\(digits(parts.tm_sec, 2))"
        return "\(date)T\(time).\(digits(Int32(now.tv_nsec / 1_000_000), 3))Z"
    }
}
