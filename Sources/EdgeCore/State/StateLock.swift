import FoundationEssentials
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The right to use a state directory: one process at a time.
///
/// An advisory lock (`flock`) on the file `lock`, which holds the process id for people. The system gives the
/// lock back when the process ends, however it ends; the file stays.
public final class StateLock: Sendable {
    /// The lock's file.
    public let path: String
    private let descriptor: Mutex<Int32>

    /// Takes the lock.
    ///
    /// - Throws: ``StateError`` `locked` where another process holds it, `inaccessible` where the file cannot be
    ///   made.
    public init(directory: String) throws(StateError) {
        let path = directory + "/lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StateError(
                .inaccessible, path: path,
                "cannot open \(path): \(Self.errorText(errno)); the user that runs the core must own the directory"
            )
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            let holder = Self.holder(descriptor)
            close(descriptor)
            guard code == EWOULDBLOCK else {
                throw StateError(.inaccessible, path: path, "cannot lock \(path): \(Self.errorText(code))")
            }
            throw StateError(
                .locked, path: path,
                "the state directory \(directory) is in use by another hedgerow-core\(holder); stop it, or give "
                    + "this one a directory of its own with --state")
        }
        let text = Array("\(getpid())\n".utf8)
        _ = ftruncate(descriptor, 0)
        _ = text.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        self.path = path
        self.descriptor = Mutex(descriptor)
    }

    deinit { release() }

    /// Gives the lock back. Does nothing the second time.
    public func release() {
        descriptor.withLock { descriptor in
            if descriptor >= 0 { close(descriptor) }
            descriptor = -1
        }
    }

    private static func holder(_ descriptor: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 16)
        let count = buffer.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        let digits = buffer.prefix(max(0, count)).prefix {
            $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9")
        }
        return digits.isEmpty ? "" : " (process \(String(decoding: digits, as: UTF8.self)))"
    }

    static func errorText(_ code: Int32) -> String { String(cString: strerror(code)) }
}
