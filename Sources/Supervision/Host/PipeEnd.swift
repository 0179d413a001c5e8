import Synchronization

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// A descriptor that is closed once, whoever is first.
final class PipeEnd: Sendable {
    private let descriptor: Mutex<FileDescriptor?>

    init(_ descriptor: FileDescriptor) { self.descriptor = Mutex(descriptor) }

    /// Closes it.
    func close() {
        let open = descriptor.withLock { descriptor in
            defer { descriptor = nil }
            return descriptor
        }
        try? open?.close()
    }
}
