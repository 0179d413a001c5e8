import Identity
import Messaging

/// What ingest has to know about the fleet; answered from memory.
protocol TelemetryFleet: Sendable {
    /// Whether a publisher may publish messages whose first publisher is a thing.
    func maySpeak(_ publisher: Principal, for thing: String) -> Bool
    /// Things to which deployed subscriptions from the cloud lead for a topic.
    func things(reachedFromCloudBy topic: Topic) -> Set<String>
}
