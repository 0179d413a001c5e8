/// One difference between two states of something, such as two revisions of a group.
public struct Difference: Hashable, Sendable {
    /// What happened.
    public enum Kind: Hashable, Sendable {
        /// It is new.
        case added
        /// It is gone.
        case removed
        /// It has another value.
        case changed
    }

    /// The part that differs: `things`, `components`, `subscriptions`, `streams`.
    public var section: String
    /// What happened.
    public var kind: Kind
    /// What it happened to: the name of a thing, a subscription.
    public var subject: String
    /// Which setting of it changed; empty where it has none or is added or removed.
    public var setting: String
    /// The value before; empty where there was none.
    public var from: String
    /// The value now; empty where there is none.
    public var to: String

    /// Makes a difference.
    public init(
        _ section: String, _ kind: Kind, _ subject: String, setting: String = "", from: String = "",
        to: String = ""
    ) {
        self.section = section
        self.kind = kind
        self.subject = subject
        self.setting = setting
        self.from = from
        self.to = to
    }
}

extension Difference: CustomStringConvertible {
    /// On one line: `+ things lamp`, `~ components smooth version: ^1.0 → ^1.1`.
    public var description: String {
        let sign =
            switch kind {
            case .added: "+"
            case .removed: "-"
            case .changed: "~"
            }
        return "\(sign) \(section) \(text)"
    }

    /// The same without sign and section.
    public var text: String {
        let name = [subject, setting].filter { !$0.isEmpty }.joined(separator: " ")
        let value =
            switch kind {
            case .added: to
            case .removed: from
            case .changed: "\(from.isEmpty ? "none" : from) → \(to.isEmpty ? "none" : to)"
            }
        return [name, value].filter { !$0.isEmpty }.joined(separator: ": ")
    }
}
