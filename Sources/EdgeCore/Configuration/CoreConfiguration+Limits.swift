import Logging
import RPCSupport

extension CoreConfiguration.Limits {
    /// Places for connections that are in their handshake or dead, beside those of the things.
    static let spareConnections = 64

    /// What the listener for things is told.
    ///
    /// Twice as many connections as things: after a power cut each may come back before its old connection is known to
    /// be dead. How many of them are served is decided when they call, where they can be told why they are not.
    func connections(logger: Logger) -> ConnectionLimits {
        ConnectionLimits(
            maximum: 2 * connectedThings + Self.spareConnections, perIdentity: connectionsPerThing,
            logger: logger)
    }

    /// How fast each thing may publish.
    var publishRates: PublishRates {
        PublishRates(messagesPerSecond: messagesPerSecondPerThing, bytesPerSecond: bytesPerSecondPerThing)
    }
}
