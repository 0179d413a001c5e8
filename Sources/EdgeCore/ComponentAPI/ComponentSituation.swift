import Components
import HedgerowAPI

/// What an instance runs with.
struct ComponentSituation: Sendable {
    /// The recipe's configuration with what the instance changes of it.
    let configuration: [String: ConfigurationValue]
    /// Name of the group.
    let group: String
    /// Number of its revision that runs.
    let revision: UInt64
}
