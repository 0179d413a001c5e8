/// The core cannot listen where it was told to.
public struct ListenFailure: Error, Sendable, CustomStringConvertible {
    /// The address.
    public let host: String
    /// The port.
    public let port: Int
    /// What the system said.
    public let cause: any Error

    /// Where, why, and what to do.
    public var description: String {
        "cannot listen at \(host) port \(port): \(cause); stop what listens there, or choose with --listen-host and "
            + "--listen-port"
    }
}
