public import Components
public import HedgerowAPI
import Identity
import RPCSupport

/// Says whether this core can run a revision, before anything is changed.
///
/// The cloud checks the same before it deploys; the core checks again because it, not the cloud, would break.
public enum RevisionCheck {
    /// What hinders this core from running the revision, in one sentence; nil where nothing does.
    public static func problem(
        with revision: Hedgerow_Type_V1_GroupRevision, core: String
    ) -> String? {
        guard revision.revision > 0 else { return "the revision has no number; deploy it again" }
        guard revision.cores.contains(core) else {
            return
                "revision \(revision.revision) of group \"\(revision.group)\" does not name the core \"\(core)\"; "
                + "add it to the group's cores and deploy again"
        }
        let definition: GroupDefinition
        do {
            definition = try GroupDefinition(revision)
        } catch {
            return sentence(revision, "\(error)")
        }
        return lockProblem(revision, definition) ?? sentence(revision, definition.validate())
    }

    /// What hinders this core from running the revision with its recipes: what its components publish flows
    /// nowhere or in a circle. Nil where nothing does.
    static func problem(
        with revision: Hedgerow_Type_V1_GroupRevision, components: [RunningComponent]
    ) -> String? {
        guard !components.isEmpty, let definition = try? GroupDefinition(revision) else { return nil }
        var outputs: [String: [PublishedTopic]] = [:]
        for component in components { outputs[component.instance] = component.outputs }
        return sentence(revision, definition.validate(outputs: outputs))
    }

    /// The revision's lock, in its order.
    static func lock(
        of revision: Hedgerow_Type_V1_GroupRevision
    ) throws(UnreadableRevision) -> [LockedComponent] {
        var lock: [LockedComponent] = []
        for (index, entry) in revision.lock.enumerated() {
            let path = "lock[\(index)]"
            let version: SemanticVersion
            do {
                version = try SemanticVersion(parsing: entry.version)
            } catch {
                throw UnreadableRevision(path: "\(path).version", message: "\(error)")
            }
            guard entry.recipeDigest.count == 32 else {
                throw UnreadableRevision(
                    path: "\(path).recipe_digest",
                    message: "a SHA-256 has 32 bytes, not \(entry.recipeDigest.count)")
            }
            lock.append(
                LockedComponent(
                    instance: entry.instance, component: entry.component, version: version,
                    recipeDigest: Array(entry.recipeDigest), isAdded: entry.added,
                    artifacts: try artifacts(entry.artifacts, path: "\(path).artifacts")))
        }
        return lock
    }

    private static func artifacts(
        _ references: [Hedgerow_Type_V1_ArtifactReference], path: String
    ) throws(UnreadableRevision) -> [ArtifactReference] {
        var artifacts: [ArtifactReference] = []
        for (index, reference) in references.enumerated() {
            guard reference.digest.count == 32, reference.size >= 0 else {
                throw UnreadableRevision(
                    path: "\(path)[\(index)]", message: "an artifact has a SHA-256 of 32 bytes and a size")
            }
            artifacts.append(
                ArtifactReference(
                    name: reference.name, digest: Array(reference.digest), size: reference.size))
        }
        return artifacts
    }

    /// What is wrong between the instances and the lock: each has exactly one entry, of its component. Further
    /// ones were added by dependencies.
    private static func lockProblem(
        _ revision: Hedgerow_Type_V1_GroupRevision, _ definition: GroupDefinition
    ) -> String? {
        let lock: [LockedComponent]
        do {
            lock = try Self.lock(of: revision)
        } catch {
            return sentence(revision, "\(error)")
        }
        var open = Dictionary(definition.components.map { ($0.name, $0) }) { first, _ in first }
        var added: Set<String> = []
        for locked in lock {
            if locked.isAdded, locked.instance == locked.component, open[locked.instance] == nil,
                added.insert(locked.instance).inserted
            {
                continue
            }
            guard let instance = open.removeValue(forKey: locked.instance) else {
                return sentence(
                    revision,
                    "the lock names the instance \"\(locked.instance)\", which the group does not have or which it "
                        + "names twice; deploy it again")
            }
            guard instance.component == locked.component, instance.version.contains(locked.version) else {
                return sentence(
                    revision,
                    "the lock has \(locked.component) \(locked.version) for the instance \(instance); deploy it again"
                )
            }
        }
        guard let missing = open.keys.min() else { return nil }
        return sentence(
            revision,
            "the component instance \"\(missing)\" is not resolved to a version; deploy the group through the cloud again"
        )
    }

    /// A problem of a revision as one sentence.
    static func sentence(_ revision: Hedgerow_Type_V1_GroupRevision, _ problem: String) -> String {
        "revision \(revision.revision) of group \"\(revision.group)\": \(problem)"
    }

    private static func sentence(
        _ revision: Hedgerow_Type_V1_GroupRevision, _ problems: [DefinitionProblem]
    ) -> String? {
        guard let first = problems.first else { return nil }
        let more = problems.count > 1 ? " (and \(problems.count - 1) more)" : ""
        return sentence(revision, "\(first)\(more)")
    }
}

extension GroupDefinition {
    /// Reads a revision as it comes over the wire.
    ///
    /// - Throws: ``UnreadableRevision`` where an end, a stream, a direction or a number cannot be read. A definition that is
    ///   read may still be invalid: ask ``GroupDefinition/validate()``.
    public init(_ revision: Hedgerow_Type_V1_GroupRevision) throws(UnreadableRevision) {
        var subscriptions: [Subscription] = []
        subscriptions.reserveCapacity(revision.subscriptions.count)
        for (index, subscription) in revision.subscriptions.enumerated() {
            subscriptions.append(
                Subscription(
                    from: try Self.end(subscription.from, path: "subscriptions[\(index)].from"),
                    topicFilter: subscription.topicFilter,
                    to: try Self.end(subscription.to, path: "subscriptions[\(index)].to"),
                    via: subscription.via.isEmpty ? nil : subscription.via))
        }
        var streams: [String: StreamSettings] = [:]
        for (index, stream) in revision.streams.enumerated() {
            let path = "streams[\(index)]"
            guard streams[stream.name] == nil else {
                throw UnreadableRevision(
                    path: path, message: "the stream \"\(stream.name)\" is described twice")
            }
            streams[stream.name] = try StreamSettings(stream, path: path)
        }
        var shadows: ShadowSettings?
        if revision.hasShadows {
            do {
                shadows = try ShadowSettings(revision.shadows)
            } catch {
                throw UnreadableRevision(path: error.field, message: "\(error); update hedgerow-core")
            }
        }
        self.init(
            name: revision.group, cores: revision.cores, things: revision.things,
            components: try Self.components(of: revision), subscriptions: subscriptions, streams: streams,
            shadows: shadows)
    }

    /// What a revision says of its instances, by name; nothing where it cannot be read, which the check of it says.
    static func instances(of revision: Hedgerow_Type_V1_GroupRevision) -> [String: ComponentInstance] {
        let components = (try? components(of: revision)) ?? []
        return Dictionary(components.map { ($0.name, $0) }) { first, _ in first }
    }

    private static func components(
        of revision: Hedgerow_Type_V1_GroupRevision
    ) throws(UnreadableRevision) -> [ComponentInstance] {
        var components: [ComponentInstance] = []
        for (index, instance) in revision.components.enumerated() {
            let range: VersionRange
            do {
                range = try VersionRange(parsing: instance.version)
            } catch {
                throw UnreadableRevision(path: "components[\(index)].version", message: "\(error)")
            }
            let update: ConfigurationUpdate
            do {
                update = try instance.update()
            } catch {
                throw UnreadableRevision(path: "components[\(index)].\(error.field)", message: "\(error)")
            }
            components.append(
                ComponentInstance(
                    name: instance.name, component: instance.component.isEmpty ? nil : instance.component,
                    version: range, configuration: update, environment: instance.environment,
                    shadows: instance.shadows.map(ThingPattern.init)))
        }
        return components
    }

    private static func end(_ text: String, path: String) throws(UnreadableRevision) -> SubscriptionEnd {
        do {
            return try SubscriptionEnd(parsing: text)
        } catch {
            throw UnreadableRevision(path: path, message: "\(error)")
        }
    }
}
