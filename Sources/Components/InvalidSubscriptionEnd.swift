/// A text that is no end of a subscription, and what one looks like.
public struct InvalidSubscriptionEnd: Error, Hashable, Sendable, CustomStringConvertible {
    /// The refused text, cut at 160 characters.
    public let text: String
    /// What is wrong and what is allowed.
    public let description: String

    init(text: String, problem: String? = nil) {
        self.text = String(text.prefix(160))
        if let problem {
            self.description = "\"\(self.text)\" is not an end of a subscription: \(problem)"
        } else {
            self.description =
                "\"\(self.text)\" is not an end of a subscription; write thing:NAME, thing:*, thing:PREFIX*, "
                + "thing:{SELECTOR}, component:INSTANCE, stream:NAME, shadow or cloud"
        }
    }
}
