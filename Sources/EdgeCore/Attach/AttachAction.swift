import HedgerowAPI

/// What an attachment does beside handling events, because it takes time.
enum AttachAction: Sendable {
    /// Wait so long and then send ``AttachEvent/renewalDue``.
    case renewCertificate(after: Duration)
    /// Bring secrets up to date.
    case refreshSecrets
    /// Carry out a command and then send ``AttachEvent/commandEnded(_:)``.
    case run(Hedgerow_Deployment_V1_StreamCommand)
}
