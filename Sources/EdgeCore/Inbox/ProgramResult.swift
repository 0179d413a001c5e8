import HedgerowAPI
import RPCSupport

/// What a program made of a message of its inbox.
struct ProgramResult: Sendable {
    /// What it publishes because of it, in order.
    var messages: [PlainMessage] = []
    /// Why it could not handle it; nil where it could.
    var failure: String?
}
