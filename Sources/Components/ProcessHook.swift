/// The moments at which a recipe may have a command of its own, with the key that recipes write.
public enum ProcessHook: String, Hashable, Sendable, CaseIterable {
    /// Prepares the component's directory.
    case install
    /// Begins what runs without ``ProcessStart/run(_:)``.
    case startup
    /// Ends the work.
    case shutdown
    /// Puts things right before the next start after an error.
    case recover

    /// How long the command may take where the recipe says nothing else: 120 s, 15 s to shut down, 60 s to recover.
    public var defaultTimeout: TimeSpan {
        switch self {
        case .install, .startup: .seconds(120)
        case .shutdown: .seconds(15)
        case .recover: .seconds(60)
        }
    }
}
