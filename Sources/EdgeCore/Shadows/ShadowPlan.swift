import Components
import GRPCCore
import HedgerowAPI
import RPCSupport
import Transforms

/// What a running revision says about shadows: which are synced, where their home is, and which instances may use them.
struct ShadowPlan: Sendable {
    private let rules: [String: ShadowSyncRule]
    private let patterns: [String: [ThingPattern]]
    private let members: Set<String>
    /// The core that syncs; nil where nothing is synced.
    let home: String?

    /// Nothing is synced, and nothing may be used.
    init() { (rules, patterns, members, home) = ([:], [:], [], nil) }

    init(_ definition: GroupDefinition) {
        rules = definition.shadowRules
        home = definition.shadowHome
        members = Set(definition.things + definition.cores)
        patterns = Dictionary(
            definition.components.map { ($0.name, $0.shadows) }, uniquingKeysWith: { first, _ in first })
    }

    /// How the shadows of a thing are synced; nil where they are not.
    func rule(for thing: String) -> ShadowSyncRule? { rules[thing] }

    /// The things whose shadows are synced, by name.
    var things: [String] { rules.keys.sorted() }

    /// Whether a thing or core is in the group.
    func has(_ member: String) -> Bool { members.contains(member) }

    /// The home core of a thing's shadows where that is another one than this; nil where this core serves them.
    func otherHome(of thing: String, core: String) -> String? {
        guard rules[thing] != nil, let home, home != core else { return nil }
        return home
    }

    /// Refuses requests to shadows whose home is another core.
    func requireHome(of thing: String, core: String) throws(HedgerowError) {
        guard let other = otherHome(of: thing, core: core) else { return }
        throw HedgerowError(
            .failedPrecondition, .shadowAtHomeCore,
            "the shadows of \"\(thing)\" have their home on the core \"\(other)\"; ask that one, or the cloud",
            details: ["core": other, "thing": thing])
    }

    /// Whether the program of an instance may use the shadows of a thing, as far as the group says so.
    func allows(_ instance: String, thing: String) -> Bool {
        has(thing) && patterns[instance]?.contains { $0.matches(thing) } == true
    }
}

extension ShadowPlan {
    /// Why a component may not use the shadows of a thing; nil where it may.
    ///
    /// - Parameters:
    ///   - subject: the thing whose message it handles, which is what a transform may use; nil for none.
    ///   - writes: whether it is to change them.
    func refusal(
        of component: RunningComponent, thing: String, ofMessage subject: String?, writes: Bool
    ) -> String? {
        let instance = component.instance
        let access = component.recipe?.access.shadows
        guard writes ? access == .write : access != nil else {
            return
                "the recipe of component instance \"\(instance)\" does not say that it \(writes ? "changes" : "reads") "
                + "shadows; write access: {shadows: \(writes ? "write" : "read")}"
        }
        if component.process == nil {
            return thing == subject
                ? nil
                : "a transform may use only the shadows of the thing of its message, and not those of \"\(thing)\""
        }
        guard allows(instance, thing: thing) else {
            return
                "the group does not let component instance \"\(instance)\" use the shadows of \"\(thing)\"; name the "
                + "thing under shadows: at the instance"
        }
        return nil
    }
}
