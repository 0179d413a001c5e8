/// A name that breaks the rule for names, and how.
public struct InvalidName: Error, Hashable, Sendable, CustomStringConvertible {
    /// The refused name, cut at 160 characters.
    public let name: String
    /// What is wrong with it and what is allowed.
    public let description: String

    init(name: String, problem: String) {
        self.name = String(name.prefix(160))
        self.description =
            "name \"\(self.name)\" \(problem); a name has 1 to 128 of the characters A-Z a-z 0-9 . _ -"
    }
}
