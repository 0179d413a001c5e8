import HedgerowAPI
import Messaging
import RPCSupport

/// Whose messages a publication holds, once it is known that the publisher may say so.
struct ResolvedOrigin {
    let thing: String
    let epoch: Epoch
    /// Component instance and output; empty for a thing's own messages.
    let component: String
    /// Sequences that the publication accounts for; nil with QoS 0.
    let covered: SequenceRange?
    /// Sequences of the messages themselves: the last ones of what is covered.
    let rows: SequenceRange?

    /// The key of a component's output, empty where no component derived the messages.
    static func component(of origin: WireOrigin) -> String {
        origin.componentInstance.isEmpty ? "" : "\(origin.componentInstance)#\(origin.outputIndex)"
    }
}
