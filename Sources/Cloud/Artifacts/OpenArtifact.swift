import FoundationEssentials
import PKI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A stored file that is being read. It stays readable when it is removed meanwhile.
final class OpenArtifact: Sendable {
    let size: UInt64
    private let path: String
    private let descriptor: Int32

    /// Opens a file; nil where there is none. Blocks.
    init?(path: String) throws(FileFailure) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw FileFailure("open", path, errno)
        }
        let end = lseek(descriptor, 0, SEEK_END)
        guard end >= 0 else {
            let code = errno
            close(descriptor)
            throw FileFailure("read", path, code)
        }
        self.path = path
        self.descriptor = descriptor
        size = UInt64(end)
    }

    deinit { close(descriptor) }

    /// Reads at most so many bytes; none at the end. Blocks.
    func read(at offset: UInt64, count: Int) throws(FileFailure) -> Data {
        var data = Data(count: count)
        while true {
            let got = data.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, count, off_t(offset)) }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw FileFailure("read", path, errno) }
            return got == count ? data : data.prefix(got)
        }
    }
}
