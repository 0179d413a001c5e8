public import Shadows

/// How the shadows of some things are kept the same on their core and in the cloud.
public struct ShadowSyncRule: Hashable, Sendable, Codable {
    /// Shortest and longest time for which changes are gathered, where they are gathered at all.
    public static let intervals = TimeSpan.seconds(1)...TimeSpan.days(1)

    /// Whose shadows, classic and named.
    public var things: ThingPattern
    /// Which way.
    public var direction: ShadowDirection
    /// How long changes are gathered before they are exchanged; 0 for each at once.
    public var interval: TimeSpan

    /// Makes a rule: both ways and at once where nothing else is said.
    public init(
        things: ThingPattern, direction: ShadowDirection = .both,
        interval: TimeSpan = TimeSpan(milliseconds: 0)
    ) {
        self.things = things
        self.direction = direction
        self.interval = interval
    }
}
