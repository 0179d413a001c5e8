import HedgerowAPI
import Messaging
import RPCSupport

/// Whose messages a publication holds, once it is known that the publisher may say so.
struct ResolvedOrigin {
    let thing: String
    let epoch: Epoch
    /// Component path and output; empty for a thing's own messages.
    let component: String
    /// Sequences that the publication accounts for; nil with QoS 0.
    let covered: SequenceRange?
    /// Sequences of the messages themselves, within what is covered; nil with QoS 0.
    let rows: RowSequences?

    /// Where its sequences are kept.
    func key(thingID: Int64) -> OriginIntervals.Key {
        OriginIntervals.Key(thingID: thingID, epoch: epoch, component: component)
    }

    /// Whether a key is that of an instance's dead letters.
    static func isOfDeadLetters(_ component: String) -> Bool {
        component.hasSuffix("#\(WireOrigin.deadLetterOutput)")
    }

    /// The key of a component's output, empty where no component derived the messages.
    static func component(of origin: WireOrigin) -> String {
        origin.isDerived ? "\(origin.componentInstance)#\(origin.outputIndex)" : ""
    }
}
