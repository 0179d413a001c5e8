extension Thing {
    /// A shadow of this thing.
    ///
    /// - Parameter name: Its name, `[a-zA-Z0-9:_-]`, at most 64 bytes; empty for the classic one. A name that a server does not
    ///   take is refused by the first call.
    public func shadow(_ name: String = "") -> ThingShadow {
        ThingShadow(name: name, registry: shadows, capacity: configuration.commandBuffer)
    }

    /// What happens to all shadows of this thing; see ``ThingShadow/events(_:)``.
    public func shadowEvents(_ kinds: ThingShadowEvent.Kind...) throws -> ThingShadowEvents {
        try shadows.events(name: "", all: true, kinds: kinds, capacity: configuration.commandBuffer)
    }
}
