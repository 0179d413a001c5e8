import Foundation
import TestSupport
import ThingClient

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension SoakScenario {
    /// Lets the faults of a round begin and end, each at its time. Afterwards everything is as it should be.
    ///
    /// - Returns: the faults that happened; some are not possible everywhere.
    func run(_ round: FaultPlan.Round) async throws -> [Fault] {
        struct Moment {
            let time: Int
            let fault: Fault
            let isBeginning: Bool
        }
        let possible = round.faults.filter { fault in
            if isPossible(fault) { return true }
            notes.add("left out: \(fault)")
            return false
        }
        let moments = possible.flatMap { fault in
            [
                Moment(time: fault.start, fault: fault, isBeginning: true),
                Moment(time: fault.end, fault: fault, isBeginning: false),
            ]
        }.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
        let begin = ContinuousClock.now
        for moment in moments {
            try await Task.sleep(until: begin + .milliseconds(moment.time), clock: .continuous)
            if moment.isBeginning {
                notes.add("round \(round.number): \(moment.fault)")
                try await self.begin(moment.fault)
            } else {
                try await end(moment.fault)
            }
        }
        return possible
    }

    private func isPossible(_ fault: Fault) -> Bool {
        switch fault.kind {
        case .fullDisk: disk != nil
        case .clockJump, .failingSyncs: controls[fault.target] != nil
        default: true
        }
    }

    private func begin(_ fault: Fault) async throws {
        let link = links[fault.target]
        switch fault.kind {
        case .kill: try await members.hold(fault.target)
        case .stop: await members.signal(fault.target, SIGSTOP)
        case .cut: link?.cut()
        case .halfOpen: link?.forget()
        case .blackHole: link?.update { $0.isBlackHole = true }
        case .refuse:
            link?.update { $0.isRefusing = true }
            link?.cut()
        case .delay: link?.update { $0.delay = .milliseconds(fault.amount) }
        case .throttle: link?.update { $0.bytesPerSecond = fault.amount }
        case .fullDisk: try disk?.fill()
        case .clockJump: try controls[fault.target]?.setClockOffset(.seconds(fault.amount))
        case .failingSyncs: try controls[fault.target]?.setFailingSyncs(true)
        case .restartAll: for name in await members.names { try await members.hold(name) }
        }
    }

    private func end(_ fault: Fault) async throws {
        let link = links[fault.target]
        switch fault.kind {
        case .kill: try await members.release(fault.target)
        case .stop: await members.signal(fault.target, SIGCONT)
        case .cut, .halfOpen: break
        case .blackHole: link?.update { $0.isBlackHole = false }
        case .refuse: link?.update { $0.isRefusing = false }
        case .delay: link?.update { $0.delay = .zero }
        case .throttle: link?.update { $0.bytesPerSecond = nil }
        case .fullDisk: disk?.free()
        case .clockJump: try controls[fault.target]?.setClockOffset(.zero)
        case .failingSyncs: try controls[fault.target]?.setFailingSyncs(false)
        case .restartAll: for name in await members.names { try await members.release(name) }
        }
    }

    /// Deploys a new version of the component, as an operator who does not know what goes wrong meanwhile.
    ///
    /// - Returns: the deployment; nil where the cloud did not take it, which the operator is told.
    func deploy(version: String) async throws -> String? {
        do {
            try await admin.push(SoakGroup.recipe(version: version))
            try await admin.apply(SoakGroup.definition(version: version))
            return try await admin.startDeployment(group: SoakGroup.name)
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            notes.add("the cloud did not take version \(version): \(error)")
            return nil
        }
    }

    /// Waits until everything flows again: every thing has had something acknowledged since now and has little waiting,
    /// and so has every core.
    ///
    /// - Returns: how long that took.
    func recover() async throws -> Duration {
        let begin = ContinuousClock.now
        let since = Date()
        var before: [String: UInt64] = [:]
        var missing = ""
        do {
            try await eventually("everything flows again", within: Self.recovery) {
                try await Task.sleep(for: .milliseconds(100))
                for thing in Self.things {
                    missing = "\(thing) has nothing acknowledged"
                    guard let snapshot = FleetThing(thing, in: fleet).snapshot(), snapshot.written > since
                    else {
                        return false
                    }
                    let statistics = snapshot.statistics
                    let first = before[statistics.epoch] ?? statistics.acknowledged
                    before[statistics.epoch] = first
                    guard statistics.acknowledged > first else { return false }
                    missing = "\(thing) has \(statistics.unsettled) unacknowledged"
                    guard statistics.unsettled < Self.little else { return false }
                }
                for core in SoakGroup.cores {
                    let depth = depth(of: core)
                    missing = "\(core) has \(depth.map { "\($0)" } ?? "an unknown number") for the cloud"
                    guard let depth, depth < Self.little else { return false }
                }
                return true
            }
        } catch let error as DidNotHappen {
            throw DidNotHappen(description: "\(error): \(missing)")
        }
        return begin.duration(to: .now)
    }

    /// How long recovering may take: publishers wait up to 144 s between two attempts, and notice a dead line within
    /// half a minute.
    static let recovery = Duration.seconds(240)
    /// Messages that wait somewhere while everything flows.
    private static let little: UInt64 = 600
}
