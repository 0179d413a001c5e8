/// What a core runs on, as far as a recipe may ask for it: operating system, architecture, and free keys that
/// the core's configuration gives (`platform.KEY`).
public struct Platform: Hashable, Sendable, Codable {
    /// The key of the operating system.
    public static let osKey = "os"
    /// The key of the processor's architecture.
    public static let architectureKey = "architecture"
    /// Most keys, the two above included.
    public static let maximumKeys = 32

    /// Every key with its value; at most 32. Empty where nothing is known.
    public var values: [String: String]

    /// Makes a platform of all its keys.
    public init(values: [String: String]) {
        self.values = values
    }

    /// Makes a platform.
    ///
    /// - Parameters:
    ///   - os: `linux`, `macos`.
    ///   - architecture: `aarch64`, `x86_64`, `armv7l`.
    ///   - free: further keys; `os` and `architecture` among them count for nothing.
    public init(os: String, architecture: String, free: [String: String] = [:]) {
        self.values = free.merging([Self.osKey: os, Self.architectureKey: architecture]) { $1 }
    }

    /// The platform that this program was built for.
    public static var current: Platform {
        Platform(os: currentOS, architecture: currentArchitecture)
    }

    private static var currentOS: String {
        #if os(Linux)
            "linux"
        #elseif os(macOS)
            "macos"
        #else
            "unknown"
        #endif
    }

    private static var currentArchitecture: String {
        #if arch(arm64)
            "aarch64"
        #elseif arch(x86_64)
            "x86_64"
        #elseif arch(arm)
            "armv7l"
        #elseif arch(riscv64)
            "riscv64"
        #else
            "unknown"
        #endif
    }
}

extension Platform: CustomStringConvertible {
    /// For people: `linux aarch64, camera: none`.
    public var description: String {
        let base = [values[Self.osKey], values[Self.architectureKey]].compactMap { $0 }
            .joined(separator: " ")
        let free = values.filter { $0.key != Self.osKey && $0.key != Self.architectureKey }
            .sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        return ([base] + free).filter { !$0.isEmpty }.joined(separator: ", ")
    }
}
