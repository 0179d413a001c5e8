import Messaging
import RPCSupport
import StreamStore

/// What components make of one batch, worked out before anything of it is written.
struct Derivation: Sendable {
    /// A batch that an output of a component sends out.
    struct Piece: Sendable {
        /// The output.
        let output: DerivedOutput
        /// What made it.
        let source: StreamBatch.Source
        /// The batch.
        let batch: Batch
        /// The batch as bytes.
        let encoded: [UInt8]
        /// Origin sequence of each message, ascending; empty with QoS 0.
        let sequences: [UInt64]
        /// Where it goes.
        let route: Route
    }

    /// Messages for a process component.
    struct Waiting: Sendable {
        /// The instance.
        let instance: String
        /// The messages as they were on the way there.
        let input: Deriver.Input
    }

    /// What is sent out, in the order in which it was made; of one output in the order of the sequences.
    var pieces: [Piece] = []
    /// Dead letters that no route takes anywhere: sequences, ascending, by the output that they would have.
    var unrouted: [DerivedOutput: [UInt64]] = [:]
    /// What is to wait for process components.
    var waiting: [Waiting] = []
    /// What is to be done with shadows, in order.
    var shadows: [ShadowEffect] = []
    /// Keys of the outputs that may lead to the cloud: of them the cloud is told every sequence.
    var tracked: Set<String> = []
    /// What each pass through a component did.
    var tallies: [ComponentTally] = []
    /// What is recorded of sampled messages.
    var spans = PendingSpans()
    /// Bytes of all pieces.
    var bytes = 0
}
