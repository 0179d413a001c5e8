import Synchronization
import Transforms

/// A core whose CPU has a temperature, or none.
final class FakeHost: TransformHost {
    let newest: Double?
    private let asked = Mutex<[Duration?]>([])

    init(newest: Double? = 45) { self.newest = newest }

    /// What was asked for, in order.
    var questions: [Duration?] { asked.withLock { $0 } }

    func cpuTemperature(over span: Duration?) throws(HostFailure) -> Double {
        asked.withLock { $0.append(span) }
        guard let newest else {
            throw HostFailure("the CPU temperature cannot be read from /none: no such file")
        }
        return span.map { newest + Double($0.components.seconds) / 100 } ?? newest
    }
}
