import HedgerowAPI
import RPCSupport
import StreamStore
import Testing

/// The store knows one reason of the wire by its number.
@Suite struct LossReasonTests {
    @Test func whatTheDiskDamagedIsCalledCorrupted() {
        #expect(LossReason(rawValue: DurableStreams.corruptedReason) == .corrupted)
    }
}
