#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file of an export that could not be written. The export tries again.
struct ExportFailure: Error, CustomStringConvertible {
    /// One sentence: what could not be done with which file, and why.
    let description: String

    /// Takes the system's error number.
    init(_ operation: String, _ path: String, _ code: Int32) {
        description = "could not \(operation) \(path): \(String(cString: strerror(code)))"
    }
}
