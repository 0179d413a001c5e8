/// How long the parts of the demo take.
struct DemoPlan: Sendable {
    /// Readings are watched before the command.
    var beforeCommand: Duration
    /// And after it, until the new version of the transform.
    var beforeRedeploy: Duration
    /// And after that, until the cut.
    var beforeCut: Duration
    /// The cloud is away.
    var cut: Duration
    /// Readings are watched after it is back.
    var afterCut: Duration
    /// Seconds between readings at first, and after the command.
    var interval: Double
    var commandedInterval: Double

    static let standard = DemoPlan(
        beforeCommand: .seconds(6), beforeRedeploy: .seconds(3), beforeCut: .seconds(4), cut: .seconds(8),
        afterCut: .seconds(5), interval: 0.5, commandedInterval: 0.4)

    /// For tests.
    static let quick = DemoPlan(
        beforeCommand: .seconds(1), beforeRedeploy: .seconds(1), beforeCut: .seconds(1), cut: .seconds(2),
        afterCut: .seconds(1), interval: 0.1, commandedInterval: 0.05)
}
