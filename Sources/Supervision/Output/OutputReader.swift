import Dispatch

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Reads what one process and its children write, as it comes, on its log's queue.
///
/// All of it happens on that queue.
// Sendable: everything that changes is only touched on `queue`.
final class OutputReader: @unchecked Sendable {
    /// Most bytes that are read a second; a program that writes more than that waits in its writing, so that
    /// a flood costs the core only so much of a processor.
    static let maximumRate = 32 << 20
    /// Bytes that are read at once.
    static let chunk = 64 << 10

    private let descriptor: Int32
    private let queue: DispatchQueue
    private let source: any DispatchSourceRead
    private let take: (UnsafeRawBufferPointer) -> Void
    private var window = ContinuousClock.now
    private var inWindow = 0
    private var isPaused = false
    private var isOver = false

    /// Begins to read.
    ///
    /// - Parameters:
    ///   - descriptor: the reading end of a pipe; is closed here.
    ///   - take: gets what comes, on the queue.
    ///   - whenOver: called on the queue when nobody can write any more.
    init(
        descriptor: Int32, queue: DispatchQueue, take: @escaping (UnsafeRawBufferPointer) -> Void,
        whenOver: @escaping @Sendable () -> Void
    ) {
        self.descriptor = descriptor
        self.queue = queue
        self.take = take
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
        source.setEventHandler { [weak self] in self?.read() }
        source.setCancelHandler {
            Self.close(descriptor)
            whenOver()
        }
        source.activate()
    }

    /// Takes what is there and reads no more, although somebody could still write. Call it on the queue.
    func finish() {
        var rounds = 0
        // What the pipe holds, and not what one may go on to write.
        while !isOver, rounds < 16, readOnce() { rounds += 1 }
        end()
    }

    private func read() {
        guard !isOver, !isPaused else { return }
        _ = readOnce()
        let now = ContinuousClock.now
        if window.duration(to: now) >= .milliseconds(100) {
            window = now
            inWindow = 0
        } else if inWindow > Self.maximumRate / 10 {
            isPaused = true
            source.suspend()
            queue.asyncAfter(deadline: .now() + .milliseconds(100)) { self.goOn() }
        }
    }

    private func goOn() {
        guard isPaused else { return }
        isPaused = false
        source.resume()
    }

    /// Reads a chunk; returns whether there was one.
    private func readOnce() -> Bool {
        withUnsafeTemporaryAllocation(byteCount: Self.chunk, alignment: 16) { buffer in
            let count = Self.read(descriptor, buffer)
            if count > 0 {
                inWindow += count
                take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                return true
            }
            if count == 0 || (errno != EAGAIN && errno != EINTR) { end() }
            return false
        }
    }

    private func end() {
        guard !isOver else { return }
        isOver = true
        goOn()
        source.cancel()
    }

    private static func read(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        #if canImport(Glibc)
            Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        #elseif canImport(Musl)
            Musl.read(descriptor, buffer.baseAddress, buffer.count)
        #else
            Darwin.read(descriptor, buffer.baseAddress, buffer.count)
        #endif
    }

    private static func close(_ descriptor: Int32) {
        #if canImport(Glibc)
            _ = Glibc.close(descriptor)
        #elseif canImport(Musl)
            _ = Musl.close(descriptor)
        #else
            _ = Darwin.close(descriptor)
        #endif
    }
}
