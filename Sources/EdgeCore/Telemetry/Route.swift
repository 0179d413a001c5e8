/// Where a message goes.
struct Route: Hashable, Sendable {
    /// Streams on their way to the cloud, each once, in the order of the subscriptions.
    var streams: [String] = []
    /// Things of the group, each once.
    var things: [String] = []

    /// Component instances on this core, each once.
    var components: [String] = []

    var isEmpty: Bool { streams.isEmpty && things.isEmpty && components.isEmpty }
}
