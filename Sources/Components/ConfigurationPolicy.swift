/// What becomes of a program when a revision changes nothing of its instance but the configuration, as recipes write it.
public enum ConfigurationPolicy: String, Hashable, Sendable, CaseIterable {
    /// It is started anew.
    case restart
    /// It is told, and goes on.
    case notify
}
