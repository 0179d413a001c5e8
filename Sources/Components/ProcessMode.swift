/// When a program runs, as recipes write it.
public enum ProcessMode: String, Hashable, Sendable, CaseIterable {
    /// As long as the component is deployed.
    case longLived
    /// From an event that reaches it until it has had none for ``ProcessDefinition/idleTimeout``.
    case onDemand
}
