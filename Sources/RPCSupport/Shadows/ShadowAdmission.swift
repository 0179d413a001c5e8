/// A request that may go on.
public struct ShadowAdmission: Hashable, Sendable {
    /// The thing that is meant; nil for all.
    public let thing: String?
    /// Who asks, as the history names it: `thing:NAME`, `operator:NAME`, `component:INSTANCE`.
    public let author: String
    /// The connection that the request came by: what 10 requests at a time are counted for.
    public let connection: String

    /// Makes one.
    public init(thing: String?, author: String, connection: String) {
        self.thing = thing
        self.author = author
        self.connection = connection
    }
}
