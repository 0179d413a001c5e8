#if canImport(Glibc)
    import Glibc
#endif

/// How the C library's allocator behaves in a program, by what the program keeps and carries.
///
/// Out of the box glibc has up to eight arenas for each processor, which keep each other's free memory apart, and it
/// takes buffers of some tens of KiB from them, where they lie in memory that was used before and count as resident
/// wholly; TLS has one of 32 KiB for each connection, of which an idle connection touches a page or two. With two arenas
/// and with buffers of 32 KiB or more in pages of their own, a core with 1,000 things takes a tenth less
/// (Benchmarks/REPORT.md).
///
/// Pages of their own are mapped, filled with zeros and given back with each use. The cloud, which has a connection for each
/// core and not for each thing, and sends artifacts in chunks of 256 KiB, spent half of its time on that. See mallopt(3).
public struct AllocatorSettings: Sendable {
    /// For a program that keeps many connections on a small machine.
    public static let manyConnections = AllocatorSettings(ownPages: 32 << 10, keptFree: nil)
    /// For a program that carries large messages: their buffers are used again.
    public static let largeMessages = AllocatorSettings(ownPages: 1 << 20, keptFree: 2 << 20)

    /// Arenas: as many threads allocate at the same time without waiting for each other.
    public static let arenas: Int32 = 2
    /// Allocations of so many bytes and more are given pages of their own, which go back when they are freed.
    public let ownPages: Int32
    /// Most free bytes that are kept at the end of an arena; glibc's default of 128 KiB where it is nil.
    public let keptFree: Int32?

    /// `M_ARENA_MAX`, `M_MMAP_THRESHOLD` and `M_TRIM_THRESHOLD` of glibc's malloc.h.
    private static let arenaLimit: Int32 = -8
    private static let mappingThreshold: Int32 = -3
    private static let trimThreshold: Int32 = -1

    /// Applies them; to be called before a program has threads. What the environment says (`MALLOC_ARENA_MAX`,
    /// `MALLOC_MMAP_THRESHOLD_`, `MALLOC_TRIM_THRESHOLD_`) goes before.
    ///
    /// - Parameter environment: the process's.
    /// - Returns: whether the allocator took all that was to be applied; false on systems without glibc.
    @discardableResult
    public func apply(environment: [String: String]) -> Bool {
        #if canImport(Glibc)
            // Swift's module of the C library leaves malloc.h out.
            guard let symbol = dlsym(nil, "mallopt") else { return false }
            typealias Function = @convention(c) (Int32, Int32) -> Int32
            let mallopt = unsafeBitCast(symbol, to: Function.self)
            let wanted: [(variable: String, parameter: Int32, value: Int32?)] = [
                ("MALLOC_ARENA_MAX", Self.arenaLimit, Self.arenas),
                ("MALLOC_MMAP_THRESHOLD_", Self.mappingThreshold, ownPages),
                ("MALLOC_TRIM_THRESHOLD_", Self.trimThreshold, keptFree),
            ]
            var taken = true
            for (variable, parameter, value) in wanted {
                guard let value, environment[variable] == nil else { continue }
                taken = mallopt(parameter, value) == 1 && taken
            }
            return taken
        #else
            return false
        #endif
    }
}
