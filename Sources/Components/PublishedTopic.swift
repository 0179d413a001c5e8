public import Messaging

/// Where one output of a component publishes, as far as its recipe says.
public enum PublishedTopic: Hashable, Sendable {
    /// Always on this topic.
    case literal(Topic)
    /// On a topic that an expression gives for each message.
    case computed
    /// On any topics, or none: what a program publishes is not known before.
    case unknown
}
