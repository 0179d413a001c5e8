/// What an identity may be; part of its SPIFFE ID.
public enum Role: String, CaseIterable, Hashable, Sendable, Codable {
    /// A device that publishes and may subscribe.
    case thing
    /// A thing that runs an edge core.
    case core
    /// A person who operates the fleet.
    case `operator`
    /// A program of the user's with grants of its own.
    case app
}
