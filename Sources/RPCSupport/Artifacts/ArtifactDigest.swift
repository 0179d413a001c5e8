import Crypto
import FoundationEssentials
public import PKI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// SHA-256 of files: the address of an artifact.
public enum ArtifactDigest {
    /// A digest as people and file names have it: lower-case hexadecimal digits.
    public static func text(_ digest: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(2 * ArtifactLimits.digestBytes)
        for byte in digest {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads 64 hexadecimal digits of either case; nil for anything else.
    public static func parse(_ text: some StringProtocol) -> [UInt8]? {
        let digits = text.utf8.map { byte -> UInt8? in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
            default: nil
            }
        }
        guard digits.count == 2 * ArtifactLimits.digestBytes else { return nil }
        var digest: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[index], let low = digits[index + 1] else { return nil }
            digest.append(high << 4 | low)
        }
        return digest
    }

    /// Reads a whole file. Blocks: not for the cooperative pool.
    ///
    /// - Parameter read: told how much was read so far, now and then.
    /// - Returns: its digest and how many bytes it has; nil where there is no such file.
    /// - Throws: `FileFailure`.
    public static func of(
        file path: String, read progress: (UInt64) -> Void = { _ in }
    ) throws(FileFailure) -> (digest: [UInt8], size: UInt64)? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw FileFailure("open", path, errno)
        }
        defer { close(descriptor) }
        var hash = SHA256()
        let size = try hash.update(from: descriptor, path: path, to: .max, read: progress)
        return (Array(hash.finalize()), size)
    }
}

extension SHA256 {
    /// Takes in what a file holds up to an offset, or up to its end.
    ///
    /// - Returns: where it ended.
    mutating func update(
        from descriptor: Int32, path: String, to end: UInt64, read progress: (UInt64) -> Void = { _ in }
    ) throws(FileFailure) -> UInt64 {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var offset: UInt64 = 0
        while offset < end {
            let wanted = Int(min(UInt64(buffer.count), end - offset))
            let count = buffer.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress, wanted, off_t(offset))
            }
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw FileFailure("read", path, errno)
            }
            buffer.withUnsafeBytes { update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            offset += UInt64(count)
            progress(offset)
        }
        return offset
    }
}
