import HedgerowAPI

/// What an attachment reacts to.
enum AttachEvent: Sendable {
    /// Most events, and most requests, that wait.
    static let maximumQueued = 256

    /// The cloud said something.
    case message(Hedgerow_Deployment_V1_AttachResponse)
    /// Time to look at addresses, certificates and deadlines.
    case tick
    /// Deployments moved: there is something to report.
    case reportsWait
    /// What came of a command.
    case commandEnded(Hedgerow_Deployment_V1_StreamCommandResult)
    /// The delay that the cloud asked for before a certificate request is over.
    case renewalDue
}
