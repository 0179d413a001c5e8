import FoundationEssentials
import HedgerowAPI
import Messaging
import RPCSupport
import ShadowStore
import Shadows
import StreamStore

/// Brings what shadows say on their reserved topics to things and components, at QoS 0.
struct ShadowNews: Sendable {
    /// Media type of the documents.
    static let contentType = "application/json"

    let core: String
    let epoch: Epoch
    let now: Int64
    let isClockDoubtful: Bool

    /// Puts what changes of shadows say where subscriptions lead it.
    func send(
        _ applied: [AppliedShadow], by table: RoutingTable, into result: inout CoreIngestTransaction.Result
    ) {
        guard table.hasShadowRoutes else { return }
        for applied in applied {
            let (key, change) = (applied.key, applied.step)
            guard case .present = change.after else {
                send(change.acceptedText, on: ShadowTopic(key, .delete, .accepted), by: table, into: &result)
                continue
            }
            send(change.acceptedText, on: ShadowTopic(key, .update, .accepted), by: table, into: &result)
            if let text = change.documentsText {
                send(text, on: ShadowTopic(key, .update, .documents), by: table, into: &result)
            }
            if let text = change.deltaText {
                send(text, on: ShadowTopic(key, .update, .delta), by: table, into: &result)
            }
        }
    }

    /// Puts a document where subscriptions lead it.
    func send(
        _ text: String, on reserved: ShadowTopic?, by table: RoutingTable,
        into result: inout CoreIngestTransaction.Result
    ) {
        guard table.hasShadowRoutes, let reserved, let topic = try? Topic(reserved.description) else {
            return
        }
        let route = table.route(fromShadow: topic)
        guard !route.isEmpty else { return }
        var message = PlainMessage()
        message.topic = topic.description
        message.time = Microseconds.timestamp(now)
        message.payload.contentType = Self.contentType
        message.payload.data = Data(text.utf8)
        var record = MessageRecord()
        record.message = message
        record.origin.thing = core
        record.receiveTime = Microseconds.timestamp(now)
        record.receiveTimeDoubtful = isClockDoubtful
        record.core = core
        for thing in route.things { result.live.append((thing, [record])) }
        for instance in route.components where table.component(instance)?.process != nil {
            result.transientEvents.append(
                InboxEntry(
                    instance: instance,
                    source: .init(thing: core, stream: "shadow", epoch: epoch, output: nil, passed: 0),
                    batch: Batch(message), sequences: [], receiveTime: now,
                    isReceiveTimeDoubtful: isClockDoubtful))
        }
    }
}
