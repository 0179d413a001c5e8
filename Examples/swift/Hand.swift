import HedgerowAPI
import SwiftProtobuf

/// The readings that were taken and are not answered yet.
actor Hand {
    private var events: [Hedgerow_Component_V1_Event] = []

    /// Takes readings.
    func take(_ more: [Hedgerow_Component_V1_Event]) { events += more }

    /// Answers all readings in hand; nil where there are none.
    ///
    /// The mean of a machine goes with its last reading: it has that one's origin and time. The others, and what has no
    /// acceleration, are answered with nothing.
    func answer() -> Hedgerow_Component_V1_ReceiveRequest? {
        guard !events.isEmpty else { return nil }
        defer { events = [] }
        var sums: [String: (squares: Double, count: Int)] = [:]
        var last: [String: UInt64] = [:]
        for event in events {
            guard let value = event.record.message.reading.values["acceleration"]?.number else { continue }
            let thing = event.record.origin.thing
            let before = sums[thing] ?? (0, 0)
            sums[thing] = (before.squares + value * value, before.count + 1)
            last[thing] = event.deliveryID
        }
        var request = Hedgerow_Component_V1_ReceiveRequest()
        request.addCredit = UInt32(events.count)
        request.results = events.map { event in
            var result = Hedgerow_Component_V1_EventResult()
            result.deliveryID = event.deliveryID
            let thing = event.record.origin.thing
            if last[thing] == event.deliveryID, let sum = sums[thing] {
                var message = Hedgerow_Type_V1_Message()
                message.topic = "vibration/rms"
                message.traceparent = event.record.message.traceparent
                message.reading.values["rms"] = .with {
                    $0.doubleValue = (sum.squares / Double(sum.count)).squareRoot()
                }
                message.reading.values["readings"] = .with { $0.integerValue = Int64(sum.count) }
                message.reading.units["rms"] = event.record.message.reading.units["acceleration"] ?? ""
                result.messages = [message]
            }
            return result
        }
        return request
    }
}

extension Hedgerow_Type_V1_Value {
    /// A number, whole or not; nil for everything else.
    fileprivate var number: Double? {
        switch kind {
        case .doubleValue(let value)?: value
        case .integerValue(let value)?: Double(value)
        default: nil
        }
    }
}
