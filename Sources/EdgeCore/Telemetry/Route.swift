/// Where a message goes.
struct Route: Hashable, Sendable {
    /// Streams, each once, in the order of the subscriptions.
    var streams: [String] = []
    /// The first of the streams that goes to the cloud; nil where none does.
    var cloudStream: String?
    /// Things of the group, each once.
    var things: [String] = []

    /// Component instances on this core, each once.
    var components: [String] = []

    /// Whether it goes to the shadows: as a request where its topic is a reserved one, as a report otherwise.
    var shadow = false

    var isEmpty: Bool { streams.isEmpty && things.isEmpty && components.isEmpty && !shadow }
}
