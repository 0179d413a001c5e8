import HedgerowAPI
import SwiftProtobuf
import Synchronization

/// What the component instances of each core did, as the core said last: in memory only, so that it is gone after
/// a restart of the cloud until the core says it again.
///
/// Bounded: at most one report a core that is registered, each checked by ``check(_:)``.
final class ComponentStatusBoard: Sendable {
    /// Most failures of one instance.
    static let maximumFailures = 16
    /// Most bytes of the cause of a failure.
    static let maximumCause = 256
    /// Most instances of one core.
    static let maximumInstances = 256
    /// Bytes of statuses after which an answer leaves out what follows, far below the limit of a gRPC message.
    static let maximumAnswer = 1 << 20

    private struct Report {
        /// Revision that the core ran when it said this.
        let revision: RevisionID?
        let components: [Hedgerow_Type_V1_ComponentStatus]
    }

    private let reports = Mutex<[String: Report]>([:])

    init() {}

    /// Enters what a core said; it takes the place of what it said before.
    func record(
        _ components: [Hedgerow_Type_V1_ComponentStatus], of core: String, running revision: RevisionID?
    ) {
        let report = components.isEmpty ? nil : Report(revision: revision, components: components)
        reports.withLock { $0[core] = report }
    }

    /// A core runs a revision from now on: what it did under another one is no longer shown.
    func keep(only revision: RevisionID?, of core: String) {
        reports.withLock { reports in
            if let report = reports[core], report.revision != revision { reports[core] = nil }
        }
    }

    /// A core was deleted.
    func remove(_ core: String) { reports.withLock { $0[core] = nil } }

    /// What a core said last; empty where it has not said anything.
    func components(of core: String) -> [Hedgerow_Type_V1_ComponentStatus] {
        reports.withLock { $0[core]?.components ?? [] }
    }

    /// Puts the reports of cores into their statuses. Where all of them would be too much for one message, causes of
    /// failures are left out first, and then whole reports.
    func add(to cores: inout [Hedgerow_Registry_V1_CoreStatus]) {
        var room = Self.maximumAnswer
        for index in cores.indices {
            var components = components(of: cores[index].core)
            if Self.bytes(components) > room {
                for entry in components.indices { components[entry].failures = [] }
            }
            let bytes = Self.bytes(components)
            guard bytes <= room else { continue }
            room -= bytes
            cores[index].components = components
        }
    }

    private static func bytes(_ components: [Hedgerow_Type_V1_ComponentStatus]) -> Int {
        components.reduce(0) { $0 + ((try? $1.serializedData().count) ?? 0) + 8 }
    }

    /// What is wrong with a report.
    static func check(_ message: Hedgerow_Deployment_V1_ComponentStatuses) -> RequestCheck {
        var check = RequestCheck()
        let field = "component_statuses.components"
        check.require(
            message.components.count <= maximumInstances, field,
            "has \(message.components.count) entries; at most \(maximumInstances) are allowed")
        for (index, status) in message.components.prefix(maximumInstances).enumerated() {
            let field = "\(field)[\(index)]"
            check.name(status.instance, "\(field).instance")
            check.name(status.component, "\(field).component")
            check.require(
                status.version.utf8.count <= 256, "\(field).version", "has more than 256 bytes")
            check.require(
                status.failures.count <= maximumFailures, "\(field).failures",
                "has \(status.failures.count) entries; at most \(maximumFailures) are allowed")
            for (index, failure) in status.failures.prefix(maximumFailures).enumerated() {
                check.require(
                    failure.cause.utf8.count <= maximumCause, "\(field).failures[\(index)].cause",
                    "has \(failure.cause.utf8.count) bytes; at most \(maximumCause) are allowed")
            }
        }
        return check
    }
}
