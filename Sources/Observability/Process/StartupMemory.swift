public import ServiceLifecycle

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Gives back, a moment after a program has started, the memory that only its start needed.
///
/// A start touches most of a program: settings, migrations, certificates, the tables of the Swift runtime. Those
/// pages of the program's file count as resident until the kernel needs memory for something else, though they
/// are not used again. Told that they are not needed, the kernel unmaps them, and maps from its cache what is used
/// again. Only mappings of files that cannot be written to are named, so that nothing can be lost.
///
/// A minute later it does so once more, for what the rush of everybody's connecting needed, and then every ten minutes.
///
/// It does nothing where the system is no Linux, and under a debugger, whose breakpoints are changes to such pages.
public struct StartupMemory: Service {
    /// When a program has started, as far as memory is concerned: 3 s.
    public static let delay = Duration.seconds(3)
    /// When those who connect to it have done so: a minute after that.
    public static let afterRush = Duration.seconds(60)
    /// How often after that: every ten minutes.
    public static let interval = Duration.seconds(600)

    private let clock: any Clock<Duration>

    /// - Parameter clock: what the delay is measured with.
    public init(clock: any Clock<Duration> = ContinuousClock()) { self.clock = clock }

    /// Gives memory back until the shutdown.
    public func run() async throws {
        try? await cancelWhenGracefulShutdown {
            try await clock.sleep(for: Self.delay)
            Self.release()
            try await clock.sleep(for: Self.afterRush)
            while true {
                Self.release()
                try await clock.sleep(for: Self.interval)
            }
        }
    }

    /// Gives memory back now.
    ///
    /// - Returns: Bytes of the mappings that were named to the kernel.
    @discardableResult
    static func release() -> Int {
        #if os(Linux)
            guard !isDebugged(status: text(of: "/proc/self/status")) else { return 0 }
            var bytes = 0
            for range in programText(maps: text(of: "/proc/self/maps")) {
                guard let start = UnsafeMutableRawPointer(bitPattern: range.lowerBound) else { continue }
                if madvise(start, range.count, Int32(MADV_DONTNEED)) == 0 { bytes += range.count }
            }
            return bytes
        #else
            return 0
        #endif
    }

    /// The mappings of files that are executable and cannot be written to, in the text of `/proc/self/maps`.
    static func programText(maps: String) -> [Range<UInt>] {
        maps.split(separator: "\n").compactMap { line in
            // START-END PERMISSIONS OFFSET DEVICE INODE PATH
            let parts = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
            guard parts.count == 6, parts[1] == "r-xp", parts[5].drop(while: { $0 == " " }).hasPrefix("/")
            else { return nil }
            let ends = parts[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            guard ends.count == 2, ends[0] < ends[1] else { return nil }
            return ends[0]..<ends[1]
        }
    }

    /// Whether a debugger is attached, by the text of `/proc/self/status`.
    static func isDebugged(status: String) -> Bool {
        let line = status.split(separator: "\n").first { $0.hasPrefix("TracerPid:") }
        guard let line, let pid = line.split(whereSeparator: \.isWhitespace).last else { return false }
        return pid != "0"
    }

    /// A file of `/proc`, whose size is not known before it is read; empty where it cannot be read.
    private static func text(of path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(contentsOf: buffer[..<count])
        }
    }
}
