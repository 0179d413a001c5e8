public import Messaging

/// A reserved topic of a shadow: `$aws/things/THING/shadow[/name/NAME]/OPERATION[/OUTCOME]`.
public struct ShadowTopic: Hashable, Sendable, CustomStringConvertible {
    /// What is asked for.
    public enum Operation: String, CaseIterable, Hashable, Sendable {
        /// Reading the document.
        case get
        /// Changing it.
        case update
        /// Deleting it.
        case delete
    }

    /// What came of it.
    public enum Outcome: String, CaseIterable, Hashable, Sendable {
        /// It was done.
        case accepted
        /// It was refused.
        case rejected
        /// Desired and reported differ after an update.
        case delta
        /// The document before and after an update.
        case documents
    }

    /// Which shadow.
    public let key: ShadowKey
    /// What is asked for.
    public let operation: Operation
    /// What came of it; nil for the request.
    public let outcome: Outcome?

    /// Name of the thing.
    public var thing: String { key.thing }
    /// Name of the shadow; empty for the classic one.
    public var name: String { key.name }

    private static let prefix = "$aws/things/"

    /// Makes a topic; nil where the operation has no such outcome: `delta` and `documents` are of `update`.
    public init?(_ key: ShadowKey, _ operation: Operation, _ outcome: Outcome? = nil) {
        if outcome == .delta || outcome == .documents, operation != .update { return nil }
        self.key = key
        self.operation = operation
        self.outcome = outcome
    }

    /// Reads a topic; nil where it is no reserved topic of a shadow.
    public init?(_ text: String) {
        guard text.hasPrefix(Self.prefix) else { return nil }
        var levels = text.dropFirst(Self.prefix.count).split(
            separator: "/", maxSplits: 6, omittingEmptySubsequences: false)[...]
        guard let thing = levels.popFirst(), levels.popFirst() == "shadow" else { return nil }
        var name: Substring = ""
        if levels.first == "name" {
            levels.removeFirst()
            guard let given = levels.popFirst(), !given.isEmpty else { return nil }
            name = given
        }
        guard let operation = levels.popFirst().flatMap({ Operation(rawValue: String($0)) }) else {
            return nil
        }
        var outcome: Outcome?
        if let last = levels.popFirst() {
            outcome = Outcome(rawValue: String(last))
            if outcome == nil { return nil }
        }
        guard levels.isEmpty, let key = try? ShadowKey(thing: String(thing), name: String(name)) else {
            return nil
        }
        self.init(key, operation, outcome)
    }

    /// Reads a topic of a message; nil where it is no reserved topic of a shadow.
    public init?(_ topic: Topic) { self.init(topic.description) }

    /// The topic on which an outcome of this request is published; nil where it has no such outcome.
    public func with(_ outcome: Outcome) -> ShadowTopic? { ShadowTopic(key, operation, outcome) }

    /// The topic as text.
    public var description: String {
        var text = "\(Self.prefix)\(thing)/shadow/"
        if !name.isEmpty { text += "name/\(name)/" }
        text += operation.rawValue
        if let outcome { text += "/\(outcome.rawValue)" }
        return text
    }
}
