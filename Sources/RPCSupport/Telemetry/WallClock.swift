import FoundationEssentials

/// The time of day, as a value that tests replace.
public struct WallClock: Sendable {
    private let read: @Sendable () -> Int64

    /// Makes a clock from a function that returns microseconds since 1970.
    public init(_ read: @escaping @Sendable () -> Int64) { self.read = read }

    /// Microseconds since 1970.
    public var now: Int64 { read() }

    /// The system's clock.
    public static let system = WallClock { Int64(Date().timeIntervalSince1970 * 1_000_000) }
}
