#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file operation that failed.
public struct FileFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file or directory.
    public let path: String
    /// The system's error number.
    public let code: Int32
    /// One sentence: what could not be done with which file, and why.
    public let description: String

    /// Takes the system's error number.
    package init(_ operation: String, _ path: String, _ code: Int32) {
        self.path = path
        self.code = code
        description = "could not \(operation) \(path): \(String(cString: strerror(code)))"
    }
}
