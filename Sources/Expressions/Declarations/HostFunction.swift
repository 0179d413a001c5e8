/// A function that the embedding program offers to expressions.
public struct HostFunction: Hashable, Sendable {
    /// One way to call it.
    public struct Overload: Hashable, Sendable {
        /// The arguments' types. For a member call, the first is the receiver's.
        public let parameters: [ValueType]
        /// The result's type; an answer of another type is an error at evaluation, unless this is `dyn`.
        public let result: ValueType
        /// Whether it is called as `receiver.name(…)` instead of `name(…)`.
        public let isMember: Bool

        /// Makes an overload.
        public init(parameters: [ValueType], result: ValueType, isMember: Bool = false) {
            self.parameters = parameters
            self.result = result
            self.isMember = isMember
        }
    }

    /// The name, an identifier or several joined by dots.
    public let name: String
    /// The ways to call it; parameter types should not overlap.
    public let overloads: [Overload]
    /// What it does, one sentence, for documentation and messages.
    public let documentation: String

    /// Makes a function.
    public init(name: String, overloads: [Overload], documentation: String = "") {
        self.name = name
        self.overloads = overloads
        self.documentation = documentation
    }
}
