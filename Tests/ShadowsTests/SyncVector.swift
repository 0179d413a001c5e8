import Shadows
import TestSupport

/// Runs a `sync` line: one shadow on a core and in the cloud, with nothing lost between them.
struct SyncVector {
    private let line: JSONValue
    private var core: StoredShadow?
    private var cloud: StoredShadow?
    private var taken: ShadowVersion?
    private var base = ShadowBase.none
    private let direction: ShadowDirection
    private let isSynced: Bool
    private var now: Int64 = 1_700_000_000_000_000
    private var generator = SeededGenerator(seed: 5)

    static func outcome(of line: JSONValue) -> VectorReport.Outcome {
        var vector = SyncVector(line)
        return vector.run()
    }

    private init(_ line: JSONValue) {
        self.line = line
        switch line["direction"]?.string {
        case "deviceToCloud": direction = .toCloud
        case "cloudToDevice": direction = .toEdge
        default: direction = .both
        }
        isSynced = line["shadow_synced"] != .bool(false)
        core = Self.stored(line["initial"]?["local"], incarnation: 1)
        cloud = Self.stored(line["initial"]?["cloud"], incarnation: 2)
    }

    private mutating func run() -> VectorReport.Outcome {
        for event in line["events"]?.elements ?? [] {
            do throws(ShadowError) {
                try happen(event)
            } catch {
                return .init(expected: event.text, got: "\(error)")
            }
            if isSynced, !sync() {
                return .init(expected: "an end of the sync", got: "none after \(event.text)")
            }
            if let check = event["check"], let difference = difference(check) { return difference }
        }
        return difference(line["expect"] ?? .null) ?? .init(expected: "all", got: "all")
    }

    private mutating func happen(_ event: JSONValue) throws(ShadowError) {
        now += 1_000_000
        if event == .string("local_delete") { core = try ShadowRules.delete(core, now: now).after }
        if event == .string("cloud_delete") { cloud = try ShadowRules.delete(cloud, now: now).after }
        if let payload = event["local_update"] { core = try updated(core, payload, .local) }
        if let payload = event["cloud_update"] { cloud = try updated(cloud, payload, .cloud) }
        // Notices in the wrong order: what counts is what the cloud has.
        if event["cloud_notice"] != nil, let final = line["cloud_final"] {
            cloud = Self.stored(final, incarnation: 2)
        }
    }

    private mutating func updated(
        _ stored: StoredShadow?, _ payload: JSONValue, _ limits: ShadowLimits
    ) throws(ShadowError) -> StoredShadow {
        let update = try ShadowUpdate(parsing: payload.bytes, limits: limits)
        return try ShadowRules.update(
            stored, update, now: now, limits: limits, newIncarnation: .random(using: &generator)
        ).after
    }

    /// Until both sides are quiet; false where they never are.
    private mutating func sync() -> Bool {
        for _ in 0..<10 {
            if base.isNews(cloud) || base.isStray(core, direction: direction) {
                let decision = ShadowSyncDecision.make(
                    base: base, core: core, cloud: CloudShadow(cloud, core: taken), direction: direction,
                    now: now)
                core = decision.core ?? core
                base = decision.base
            } else if let core, base.isDirty(core, direction: direction) {
                base = base.sending(core)
                guard
                    case .accepted(let stored) = ShadowPush.apply(
                        core, expected: base.expected, to: cloud, limits: .cloud, now: now)
                else { continue }
                cloud = stored
                taken = core.shadowVersion
                guard let settled = base.accepted(core.shadowVersion, cloudVersion: stored.version) else {
                    return false
                }
                base = settled
            } else {
                return true
            }
        }
        return false
    }

    private func difference(_ expect: JSONValue) -> VectorReport.Outcome? {
        for (name, stored) in [("local", core), ("cloud", cloud)] {
            guard let wanted = expect[name] else { continue }
            let state = stored?.document?.state
            guard wanted != .null else {
                if state != nil { return .init(expected: "no \(name)", got: state?.text ?? "") }
                continue
            }
            let got = state?.text ?? "nothing"
            if let text = wanted["state"]?.text, text != got {
                return .init(expected: text, got: "\(name) \(got)")
            }
            if let version = wanted["version"]?.integer, version != stored.map({ Int64($0.version) }) {
                return .init(expected: "\(name) version \(version)", got: "\(stored?.version ?? 0)")
            }
        }
        if let version = expect["cloud_version"]?.integer, version != cloud.map({ Int64($0.version) }) {
            return .init(expected: "cloud version \(version)", got: "\(cloud?.version ?? 0)")
        }
        return nil
    }

    private static func stored(
        _ value: JSONValue?, incarnation: UInt8, isDeleted: Bool = false
    ) -> StoredShadow? {
        if isDeleted {
            return .deleted(ShadowTombstone(incarnation: .fixture(incarnation), version: 9, deleteTime: 0))
        }
        guard let value, let state = value["state"] else { return nil }
        return .present(
            .fixture(
                desired: state["desired"]?.members, reported: state["reported"]?.members,
                version: UInt64(value["version"]?.integer ?? 1), incarnation: incarnation))
    }

    /// A `full_sync` line: one decision. Nil where a wall clock decides, which ours never does: an edit after a
    /// deletion.
    static func fullSync(_ line: JSONValue) -> VectorReport.Outcome? {
        let flags = (line.members ?? [:]).filter {
            $0.key.contains("_deleted_") || $0.key.contains("_updated_")
        }
        if flags.contains(where: { !$0.key.contains("_deleted_after_") || $0.value != .bool(true) }) {
            return nil
        }
        let hasBase = line["base"] ?? .null != .null
        let isDeleted = { (name: String) in hasBase && line[name] ?? .null == .null }
        let core = stored(line["local"], incarnation: 1, isDeleted: isDeleted("local"))
        let cloud = stored(line["cloud"], incarnation: hasBase ? 1 : 2, isDeleted: isDeleted("cloud"))
        let decision = ShadowSyncDecision.make(
            base: ShadowBase(cloud: stored(line["base"], incarnation: 1)), core: core,
            cloud: CloudShadow(cloud),
            direction: .both, now: 1_800_000_000_000_000)
        var got: [String] = []
        if let changed = decision.core {
            got.append(changed.document.map { "local_update \($0.state.text)" } ?? "local_delete")
        }
        if decision.pushes, let pushed = decision.core ?? core {
            got.append(pushed.document.map { "cloud_update \($0.state.text)" } ?? "cloud_delete")
        }
        let expected = (line["expect"]?.members ?? [:]).map { name, value in
            value["state"].map { "\(name) \($0.withoutNulls.text)" } ?? name
        }
        return .init(
            expected: expected.sorted().joined(separator: "; "), got: got.sorted().joined(separator: "; "))
    }
}
