/// What an operator wrote where a definition uses selectors, kept beside what they were resolved to.
public struct WrittenGroup: Hashable, Sendable, Codable {
    /// Things by name.
    public var things: [String]
    /// Selectors under `things`.
    public var selectors: [ThingSelector]
    /// Routes, with selectors in their ends.
    public var subscriptions: [Subscription]

    /// Makes what was written.
    public init(things: [String], selectors: [ThingSelector], subscriptions: [Subscription]) {
        self.things = things
        self.selectors = selectors
        self.subscriptions = subscriptions
    }

    /// The same in one spelling.
    var canonical: WrittenGroup {
        WrittenGroup(
            things: Set(things).sorted(),
            selectors: Set(selectors.map(\.canonical)).sorted { $0.description < $1.description },
            subscriptions: Subscription.canonical(subscriptions))
    }
}
