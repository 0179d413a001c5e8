public import Messaging

/// What a stream holds, and how far each of its exports is.
public struct StreamDescription: Hashable, Sendable {
    /// One epoch of a stream: a run of the core's process, or a lane of one.
    public struct EpochPart: Hashable, Sendable {
        /// Row id; ascending with time.
        public let id: Int64
        /// The epoch.
        public let epoch: Epoch
        /// The oldest sequence that is there; nil where nothing is.
        public let oldest: UInt64?
        /// The sequence that was given out last; 0 where none was.
        public let newest: UInt64
        /// Messages that are there.
        public let messages: UInt64
        /// Everything up to here is at the cloud.
        public let acknowledged: UInt64
        /// The last sequence that goes to the cloud at all; nil where everything does.
        public let cloudUntil: UInt64?
    }

    /// How far an export is.
    public struct Export: Hashable, Sendable {
        /// What it is, and what became of it.
        public let state: StreamExportState
        /// The last sequence that it has, by epoch, oldest first.
        public let acknowledged: [StreamPosition]
        /// Messages that it does not have yet (those that are lost to it included until it passes them).
        public let behind: UInt64

        /// Makes a description.
        public init(state: StreamExportState, acknowledged: [StreamPosition], behind: UInt64) {
            self.state = state
            self.acknowledged = acknowledged
            self.behind = behind
        }
    }

    /// Name of the stream.
    public let stream: String
    /// Its epochs, oldest first.
    public let epochs: [EpochPart]
    /// Bytes of payload.
    public let bytes: Int64
    /// Accounts of lost messages that the cloud is still to be told.
    public let accounts: Int
    /// When the core received the oldest that is there, microseconds since 1970; nil where the stream is empty.
    public let oldestReceiveTime: Int64?
    /// Its exports, the cloud first.
    public let exports: [Export]

    /// The position of the oldest that is there; nil where the stream is empty.
    public var oldest: StreamPosition? {
        epochs.lazy.compactMap { part in part.oldest.map { StreamPosition(epoch: part.epoch, sequence: $0) } }
            .first
    }

    /// The position that was given out last; nil where none ever was.
    public var newest: StreamPosition? {
        epochs.last { $0.newest > 0 }.map { StreamPosition(epoch: $0.epoch, sequence: $0.newest) }
    }

    /// Messages that are there.
    public var messages: UInt64 { epochs.reduce(0) { $0 + $1.messages } }
}
