/// How a supervisor learns whether a program works.
public struct ProgramHealth: Hashable, Sendable {
    /// Run at each interval, code 0 means healthy (5 s by default); nil where the program itself reports
    /// through ``ProgramSupervisor/reportHealth(_:reason:)``, at least once an interval.
    public var command: ProgramHook?
    /// How often; 30 s by default. Until the program is healthy for the first time a command runs each
    /// second.
    public var interval: Duration
    /// After how many bad or missing answers one after the other it is an error; 3 by default.
    public var failures: Int

    /// Makes a check.
    public init(
        command: ProgramHook?, interval: Duration = Self.standardInterval,
        failures: Int = Self.standardFailures
    ) {
        self.command = command
        self.interval = interval
        self.failures = failures
    }

    /// Of ``interval``: 30 s.
    public static let standardInterval: Duration = .seconds(30)
    /// Of the timeout of ``command``: 5 s.
    public static let standardTimeout: Duration = .seconds(5)
    /// Of ``failures``: 3.
    public static let standardFailures = 3
    /// How often a command runs until the first good answer, where ``interval`` is longer.
    static let startInterval: Duration = .seconds(1)
}
