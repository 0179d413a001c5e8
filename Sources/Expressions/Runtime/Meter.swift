/// What an evaluation may still spend: one for each byte and element that a function reads or makes, and for
/// each function called. A unit is at most about a microsecond on a small computer, mostly far less; what takes
/// longer than its bytes tell charges extra.
struct Meter {
    private var remaining: Int
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
        remaining = limit
    }

    /// What has been spent.
    var spent: Int { limit - remaining }

    /// Spends; call before the work is done. What is refused is not spent.
    mutating func charge(_ cost: Int) throws(EvaluationError) {
        if cost > remaining {
            throw EvaluationError(
                kind: .costExceeded,
                message:
                    "the evaluation costs more than the \(limit) units allowed; work on less text or fewer elements"
            )
        }
        remaining -= max(cost, 0)
    }

    /// Spends what it costs to read a value to the ground: its bytes and elements. Lists that hold one another
    /// many times count each time, so that no value can be exponentially larger than what was paid for it.
    mutating func charge(reading value: Value) throws(EvaluationError) {
        switch value {
        case .string(let text): try charge(text.utf8.count)
        case .bytes(let octets): try charge(octets.count)
        case .list(let elements):
            try charge(elements.count)
            for element in elements { try charge(reading: element) }
        case .map(let map):
            try charge(2 * map.count)
            for entry in map.entries {
                try charge(reading: entry.key)
                try charge(reading: entry.value)
            }
        default: break
        }
    }
}
