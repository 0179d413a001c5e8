#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// How many files and sockets this process may have open at once.
enum FileDescriptors {
    /// Kept for everything but the connections of a listener: databases, clients, recipes.
    static let reserve = 128
    /// As many as a server of ours asks for.
    static let wanted: UInt64 = 65_536

    /// The most that this process may have open. Asks the system for ``wanted`` of them when it is first read: most
    /// systems begin a process with 1,024, and let it have more.
    static let maximum: Int = {
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return 1_024 }
        let raised = min(UInt64(limit.rlim_max), max(wanted, UInt64(limit.rlim_cur)))
        if raised > UInt64(limit.rlim_cur) {
            var wish = limit
            wish.rlim_cur = rlim_t(raised)
            if setrlimit(resource, &wish) == 0 { limit = wish }
        }
        return Int(clamping: UInt64(limit.rlim_cur))
    }()

    /// The connections that a listener may have without taking what the rest of the process needs.
    static func connections(atMost wish: Int) -> Int {
        min(wish, max(16, maximum - reserve))
    }

    #if canImport(Glibc)
        private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        private static let resource = RLIMIT_NOFILE
    #endif
}
