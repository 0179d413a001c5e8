import Identity
import Messaging

extension FleetDirectory: TelemetryFleet {
    func maySpeak(_ publisher: Principal, for thing: String) -> Bool {
        if IngestTransaction.ledgerName(of: publisher) == thing { return true }
        return publisher.role == .core && mayCarry(core: publisher.name, thing: thing)
    }

    func things(reachedFromCloudBy topic: Topic) -> Set<String> {
        var things: Set<String> = []
        for subscription in cloudSubscriptions() {
            guard let filter = try? TopicFilter(subscription.filter), filter.matches(topic) else { continue }
            things.formUnion(subscription.toThings)
        }
        return things
    }
}
