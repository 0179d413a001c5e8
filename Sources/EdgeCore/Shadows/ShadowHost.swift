import Components
import Expressions
import GRDB
import ShadowStore
import Shadows
import Transforms

/// What a core offers to transforms inside one transaction: everything that it offers anyway, and the shadows as they are
/// there.
final class ShadowHost: TransformHost {
    private let base: any TransformHost
    private let db: Database
    private let shadows: CoreShadows
    private let now: Int64
    /// What was looked up: a transaction that handles many messages of one thing asks once.
    private var known: [String: ValueMap?] = [:]

    init(base: any TransformHost, db: Database, shadows: CoreShadows, now: Int64) {
        self.base = base
        self.db = db
        self.shadows = shadows
        self.now = now
    }

    func cpuTemperature(over span: Duration?) throws(HostFailure) -> Double {
        try base.cpuTemperature(over: span)
    }

    func shadow(of thing: String, named name: String) throws(HostFailure) -> ValueMap? {
        let place = "\(thing)\u{0}\(name)"
        if let found = known[place] { return found }
        let found: ValueMap?
        do {
            let key = try ShadowKey(thing: thing, name: name)
            let record = try shadows.transaction(db, author: "", now: now, plan: ShadowPlan()).record(key)
            found = record?.shadow.document.map(Self.map)
        } catch {
            throw HostFailure("the shadow of \"\(thing)\" cannot be read: \(error)")
        }
        known[place] = .some(found)
        return found
    }

    /// Forgets what was looked up: shadows were changed.
    func forget() { known.removeAll(keepingCapacity: true) }

    private static func map(_ document: ShadowDocument) -> ValueMap {
        var fields: [String: Value] = ["version": .int(Int64(clamping: document.version))]
        if let desired = document.desired { fields["desired"] = Value(.object(desired)) }
        if let reported = document.reported { fields["reported"] = Value(.object(reported)) }
        return ValueMap(fields)
    }
}
