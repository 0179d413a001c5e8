/// A directory of rotated JSON-lines files that a stream is exported to.
public struct StreamDirectory: Hashable, Sendable, Codable {
    /// The sizes that a file may have: 64 KiB to 1 GiB.
    public static let fileSizes = ByteSize.kibibytes(64)...ByteSize.mebibytes(1_024)
    /// The numbers of files that may be kept.
    public static let fileCounts = 2...10_000

    /// Where the files are: absolute, or relative to the core's state directory; at most 1,024 bytes.
    public var path: String
    /// Size at which the next file begins; 16 MiB by default, within ``fileSizes``.
    public var maxFileSize: ByteSize
    /// Files kept, the one being written among them; 100 by default, within ``fileCounts``.
    public var maxFiles: Int

    /// Makes a directory; what is not named has its default.
    public init(_ path: String, maxFileSize: ByteSize = .mebibytes(16), maxFiles: Int = 100) {
        self.path = path
        self.maxFileSize = maxFileSize
        self.maxFiles = maxFiles
    }
}
