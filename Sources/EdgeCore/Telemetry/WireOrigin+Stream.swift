import HedgerowAPI
import Messaging
import RPCSupport
import StreamStore

extension WireOrigin {
    /// The origins that something in a stream covers, as they are sent.
    init(_ origin: StreamEntry.OriginRange) {
        self.init(origin.key)
        firstSequence = origin.range.first
        lastSequence = origin.range.last
        rowOffsets = origin.rowOffsets
    }

    /// Whose messages, without saying which of them.
    init(_ key: OriginKey) {
        self.init()
        thing = key.thing
        epoch = .init(key.epoch.bytes)
        guard !key.component.isEmpty else { return }
        if let output = DerivedOutput(key: key.component) {
            componentInstance = output.path
            outputIndex = output.index
        } else {
            componentInstance = key.component
        }
    }
}

extension WireSource {
    /// What made messages in a stream, as it is sent.
    init(_ source: StreamBatch.Source) {
        self.init()
        component = source.component
        version = source.version
        revision = source.revision
    }
}
