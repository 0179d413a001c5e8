import HedgerowAPI
import RPCSupport
import ShadowStore
import Shadows

extension CoreIngestTransaction {
    /// What the transaction did.
    struct Result: Sendable {
        var outcome: IngestOutcome
        /// Streams that have something new.
        var wokenStreams: Set<String> = []
        /// Messages that were appended to streams.
        var appended: [String: Int] = [:]
        /// Bytes of their payload.
        var appendedBytes: [String: Int] = [:]
        /// Things whose queues have something new.
        var wokenThings: Set<String> = []
        /// Instances whose inboxes have something new.
        var wokenInboxes: Set<String> = []
        /// QoS 0 messages for process components.
        var transientEvents: [InboxEntry] = []
        /// Messages for whoever of these things listens at QoS 0.
        var live: [(thing: String, records: [MessageRecord])] = []
        /// QoS 0 messages on their way to the cloud, by stream.
        var transient: [(stream: String, publication: Publication, bytes: Int)] = []
        /// Messages that a full stream overwrote.
        var overwritten: UInt64 = 0
        /// The same by stream.
        var overwrittenOf: [String: UInt64] = [:]
        /// How far a batch was taken that had to be taken in halves.
        var takenThrough: UInt64 = 0
        /// What components did with what was taken.
        var tallies: [ComponentTally] = []
        /// What is recorded of sampled messages.
        var spans = PendingSpans()
        /// What was changed of shadows.
        var shadows: [AppliedShadow] = []
        /// Requests to shadows that were rejected, with what was answered.
        var rejectedShadows: [(key: ShadowKey, text: String)] = []
        /// Changes of shadows that could not be made, and why the last one of a thing's own could not.
        var shadowFailures = 0
        var shadowProblem: String?
    }
}
