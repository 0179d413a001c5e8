import Expressions
import Synchronization
import Transforms

/// A core whose CPU has a temperature, or none, and that has shadows.
final class FakeHost: TransformHost {
    let newest: Double?
    private let asked = Mutex<[Duration?]>([])

    /// Shadows by `THING/NAME`.
    let shadows: [String: ValueMap]
    private let lookedUp = Mutex<[String]>([])

    init(newest: Double? = 45, shadows: [String: ValueMap] = [:]) {
        self.newest = newest
        self.shadows = shadows
    }

    /// Which shadows were asked for, in order.
    var lookups: [String] { lookedUp.withLock { $0 } }

    func shadow(of thing: String, named name: String) throws(HostFailure) -> ValueMap? {
        lookedUp.withLock { $0.append("\(thing)/\(name)") }
        if name == "broken" { throw HostFailure("the shadow cannot be read") }
        return shadows["\(thing)/\(name)"]
    }

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
