import Foundation
import HedgerowAPI
import SwiftProtobuf
import TestSupport
import ThingClient

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The way back of a revision that fails while it settles.
extension KillLane {
    /// Brings a revision whose components fail on every message, and kills the core on its way back.
    ///
    /// - Parameters:
    ///   - old: the revision that it goes back to.
    ///   - sync: at which sync, counted from the message that decides; 1 is that of the message itself.
    func goBack(
        from revision: UInt64, to old: UInt64, killingAtSync sync: Int, by thing: Thing
    ) async throws -> Outcome {
        var outcome = Outcome()
        let process = try fleet.process(core)
        let id = try await start(revision, settling: .seconds(60), isBroken: true)
        try await eventually(
            "it settles", within: .seconds(60), holds: { try await deployment(id).stage == .settle })
        // Two are too few to tell.
        for _ in 1...2 { try await thing.publishAndWait("press/reading", ["value": 1]) }
        try control.arm(killingAt: sync, countsSyncsOnly: true)
        try await thing.publish("press/reading", ["value": 1])
        try await eventually(
            "\(core) dies or is back", within: .seconds(60),
            holds: {
                if process.exit != nil { return true }
                return try await isBack(id)
            })
        try control.disarm()
        if let exit = process.exit {
            guard exit == .signal(SIGKILL) else {
                throw DidNotHappen(description: "\(core) ended with \(exit)")
            }
            outcome.isKilled = true
            (outcome.stage, outcome.hadNew) = try judgeDisk(new: revision, old: old)
            try await fleet.startCore(core, environment: control.environment)
            if outcome.stage == DeploymentStageName.settle {
                // What it counted is gone; it watches anew.
                for _ in 1...3 { try await thing.publishAndWait("press/reading", ["value": 1]) }
            }
            try await eventually(
                "\(core) goes back by itself", within: .seconds(60), holds: { try await isBack(id) })
        }
        return outcome
    }

    /// Names of stages as they are on the disk.
    enum DeploymentStageName {
        static let settle = "settle"
        static let back = "back"
        /// None: the deployment is over.
        static let over = "over"
    }

    /// Whether a deployment has ended with the way back.
    ///
    /// - Throws: ``DidNotHappen`` where it ended in another way, does not say why, or is in progress beyond its deadline.
    private func isBack(_ id: String) async throws -> Bool {
        let found = try await deployment(id)
        switch found.status {
        case .rolledBack:
            for word in ["component instance", "failed on all"] where !found.reason.contains(word) {
                throw DidNotHappen(description: "\(core) went back because of \"\(found.reason)\"")
            }
            return true
        case .inProgress:
            // The cloud looks every second for those that are late.
            let end = found.stageEndTime.date
            guard !found.hasStageEndTime || end.timeIntervalSinceNow > -10 else {
                throw DidNotHappen(description: "\(core): \(id) is in progress beyond \(end)")
            }
            return false
        default: throw DidNotHappen(description: "\(core): \(id) is \(found.status): \(found.reason)")
        }
    }
}
