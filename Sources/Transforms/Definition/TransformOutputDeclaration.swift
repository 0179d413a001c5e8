public import Messaging

/// What a `publish` step sends out.
public struct TransformOutputDeclaration: Hashable, Sendable {
    /// Where the messages of an output go.
    public enum Destination: Hashable, Sendable {
        /// Always under this topic.
        case literal(Topic)
        /// Under a topic that is found at run time.
        case computed
    }

    /// Index of the `publish` step among the transform's `publish` steps, from 0.
    public let index: Int
    /// Index of the step among all steps, from 0.
    public let step: Int
    /// The topic.
    public let topic: Destination

    /// Makes a declaration.
    public init(index: Int, step: Int, topic: Destination) {
        self.index = index
        self.step = step
        self.topic = topic
    }
}
