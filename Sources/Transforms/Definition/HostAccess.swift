/// What a transform may ask its core for, beyond the messages that it is given (architecture, section 5).
///
/// Nothing unless the recipe names it: `access: {host: [cpu_temperature]}`.
public struct HostAccess: OptionSet, Hashable, Sendable {
    /// One bit an ability.
    public let rawValue: UInt32

    /// Makes a set of its bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The temperature of the core's CPU: `cpuTemperature()` and `cpuTemperature(duration)`.
    public static let cpuTemperature = HostAccess(rawValue: 1 << 0)

    private static let table: [(name: String, access: HostAccess)] = [("cpu_temperature", .cpuTemperature)]

    /// The names of every ability there is, as recipes write them.
    public static var allNames: [String] { table.map(\.name) }

    /// The ability of a name that a recipe writes; nil where there is none.
    public init?(name: String) {
        guard let entry = Self.table.first(where: { $0.name == name }) else { return nil }
        self = entry.access
    }

    /// The names of the abilities in the set, as recipes write them.
    public var names: [String] { Self.table.filter { contains($0.access) }.map(\.name) }
}
