import HedgerowAPI
import SwiftProtobuf

extension Hedgerow_Type_V1_GroupRevision {
    /// Gives an instance what things send under `t`, and the cloud what comes out of it, dead letters included.
    mutating func subscribe(_ instance: String) {
        for (from, topic, to) in [
            ("thing:*", "t/#", "component:\(instance)"), ("component:\(instance)", "#", "cloud"),
            ("component:\(instance)", "$dead-letter/\(instance)", "cloud"),
        ] {
            subscriptions.append(
                .with {
                    $0.from = from
                    $0.topicFilter = topic
                    $0.to = to
                })
        }
    }
}
