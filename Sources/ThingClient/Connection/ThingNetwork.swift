/// What a thing needs from the world to get at a server. Tests put plain sockets here.
protocol ThingNetwork: Sendable {
    /// Makes ready what every connection needs (an identity), trying for as long as that can help.
    func prepare(report: @Sendable (ThingEvent) -> Void) async throws

    /// Where to go, the best first. With `refresh`, asks the cloud before falling back to what is known.
    func targets(refresh: Bool, report: @Sendable (ThingEvent) -> Void) async throws -> [ServerTarget]

    /// A transport to one address, with the newest identity.
    func link(to target: ServerTarget) async throws -> ServerLink

    /// Keeps things fresh (renewal) until it is cancelled.
    func maintain(report: @Sendable (ThingEvent) -> Void) async throws
}
