public import HedgerowAPI

/// What happens to a thing's connection and messages. Given to ``ThingConfiguration/onEvent`` in order, on
/// the task where it happens: a handler returns quickly and never waits.
public enum ThingEvent: Sendable {
    /// The thing has an identity; true where it was enrolled just now.
    case identified(name: String, enrolledNow: Bool)
    /// The cloud answered where to go; so many addresses. False where the answer came from the disk.
    case discovered(addresses: Int, fresh: Bool)
    /// A server took the session. The core's name (`cloud` for a direct one) and its address.
    case connected(core: String, address: String)
    /// The session or an attempt at one ended; the reason is for people.
    case disconnected(core: String, reason: String)
    /// A server has these sequences of this epoch (hexadecimal) for good.
    case acknowledged(epoch: String, sequences: ClosedRange<UInt64>)
    /// A server refused messages for ever; QoS 0 ones have no range.
    case rejected(
        sequences: ClosedRange<UInt64>?, reason: Hedgerow_Type_V1_ErrorReason, detail: String)
    /// A server takes nothing more for now; it goes on by itself.
    case paused(reason: Hedgerow_Type_V1_ErrorReason, retryAfter: Duration?)
    /// So many messages were dropped (a full buffer, or QoS 0 without a connection).
    case dropped(count: UInt64)
    /// So many messages for this thing fell out of a server's queue before they could be delivered.
    case missed(count: UInt64)
    /// The server's clock and ours differ by this many seconds; sample times are marked doubtful.
    case clockDoubtful(differenceSeconds: Double)
    /// The certificate was renewed.
    case certificateRenewed
    /// Something failed that is tried again by itself; the text is for people.
    case problem(String)
}
