#if canImport(Glibc)
    import Glibc
#endif

/// How the C library's allocator behaves in a program that keeps a thousand connections on a small machine.
///
/// Out of the box glibc has up to eight arenas for each processor, which keep each other's free memory apart, and it
/// takes buffers of some tens of KiB from them, where they lie in memory that was used before and count as resident
/// wholly; TLS has one of 32 KiB for each connection, of which an idle connection touches a page or two. With two arenas
/// and with buffers of 32 KiB or more in pages of their own, a core with 1,000 things takes a tenth less
/// (Benchmarks/REPORT.md). See mallopt(3).
public enum AllocatorSettings {
    /// Arenas: as many threads allocate at the same time without waiting for each other.
    public static let arenas: Int32 = 2
    /// Allocations of so many bytes and more are given pages of their own, which go back when they are freed.
    public static let ownPages: Int32 = 32 << 10

    /// `M_ARENA_MAX` and `M_MMAP_THRESHOLD` of glibc's malloc.h.
    private static let arenaLimit: Int32 = -8
    private static let mappingThreshold: Int32 = -3

    /// Applies them; to be called before a program has threads. What the environment says (`MALLOC_ARENA_MAX`,
    /// `MALLOC_MMAP_THRESHOLD_`) goes before.
    ///
    /// - Parameter environment: the process's.
    /// - Returns: whether the allocator took all that was to be applied; false on systems without glibc.
    @discardableResult
    public static func apply(environment: [String: String]) -> Bool {
        #if canImport(Glibc)
            // Swift's module of the C library leaves malloc.h out.
            guard let symbol = dlsym(nil, "mallopt") else { return false }
            typealias Function = @convention(c) (Int32, Int32) -> Int32
            let mallopt = unsafeBitCast(symbol, to: Function.self)
            var taken = true
            if environment["MALLOC_ARENA_MAX"] == nil {
                taken = mallopt(arenaLimit, arenas) == 1 && taken
            }
            if environment["MALLOC_MMAP_THRESHOLD_"] == nil {
                taken = mallopt(mappingThreshold, ownPages) == 1 && taken
            }
            return taken
        #else
            return false
        #endif
    }
}
