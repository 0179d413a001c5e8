import HedgerowAPI
import Messaging
import RPCSupport
import StreamStore

/// Messages that wait for a process component, as they came: a batch of a thing's, or what a component before it made
/// of one.
struct InboxEntry: Sendable {
    /// Whose messages they are.
    struct Source: Hashable, Sendable {
        /// The thing, or the core for what its components published by themselves.
        let thing: String
        /// The publisher's stream.
        let stream: String
        /// The run of the publisher's process.
        let epoch: Epoch
        /// The output of a component that they come from; nil for the publisher's own.
        let output: DerivedOutput?
        /// How many components they have passed.
        let passed: Int
    }

    /// Name of the instance that they are for.
    let instance: String
    /// Whose they are.
    let source: Source
    /// The messages.
    let batch: Batch
    /// Origin sequence of each, ascending; empty with QoS 0.
    let sequences: [UInt64]
    /// When the core received them, microseconds since 1970.
    let receiveTime: Int64
    /// Whether the clock behind that was doubtful.
    let isReceiveTimeDoubtful: Bool

    /// One message of it.
    struct Message: Sendable {
        /// What it is part of.
        let entry: InboxEntry
        /// Which of its messages.
        let row: Int

        /// Its sequence; nil with QoS 0.
        var sequence: UInt64? { entry.sequences.isEmpty ? nil : entry.sequences[row] }

        /// As a component before it sent it on.
        var input: Deriver.Input {
            Deriver.Input(
                batch: entry.batch.selecting(row..<row + 1), sequences: sequence.map { [$0] } ?? [],
                from: entry.source.output, passed: entry.source.passed)
        }

        /// The message with everything known about it.
        func record(core: String) -> MessageRecord {
            var record = MessageRecord()
            record.message = entry.batch.message(row: row)
            record.origin = WireOrigin(
                OriginKey(
                    thing: entry.source.thing, epoch: entry.source.epoch,
                    component: entry.source.output?.key ?? ""))
            record.origin.firstSequence = sequence ?? 0
            record.origin.lastSequence = sequence ?? 0
            record.receiveTime = Microseconds.timestamp(entry.receiveTime)
            record.receiveTimeDoubtful = entry.isReceiveTimeDoubtful
            record.core = core
            return record
        }
    }
}
