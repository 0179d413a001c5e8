import Logging
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Where log records go: one line each, whole, to a file descriptor.
final class LogOutput: Sendable {
    static let standardError = LogOutput(descriptor: 2)

    private let descriptor: Int32
    /// Lines of two threads must not mix when a write is cut short.
    private let turn = Mutex(())

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Writes a line. What cannot be written (a closed pipe, a full disk) is dropped: a log never stops the
    /// program.
    func write(_ line: String) {
        var line = line
        line.append("\n")
        turn.withLock { _ in
            line.withUTF8 { bytes in
                var rest = bytes[...]
                while !rest.isEmpty {
                    let slice = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[rest.indices])
                    #if canImport(Glibc)
                        let count = Glibc.write(descriptor, slice.baseAddress, slice.count)
                    #elseif canImport(Musl)
                        let count = Musl.write(descriptor, slice.baseAddress, slice.count)
                    #else
                        let count = Darwin.write(descriptor, slice.baseAddress, slice.count)
                    #endif
                    if count < 0 && errno == EINTR { continue }
                    if count <= 0 { return }
                    rest = rest.dropFirst(count)
                }
            }
        }
    }
}
