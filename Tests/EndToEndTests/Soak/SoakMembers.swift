import Foundation
import TestSupport

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Keeps the processes of a soak running, as a service manager would: whoever ends is started again a second later.
/// Faults hold them down for a while.
actor SoakMembers {
    private struct Member {
        let start: @Sendable () async throws -> FleetProcess
        var process: FleetProcess
        var holds = 0
        var endedSince: ContinuousClock.Instant?
        var isStarting = false
    }

    /// How long whoever ended by itself stays down; systemd's default for our units.
    private static let restartDelay = Duration.seconds(1)

    private var members: [String: Member] = [:]
    /// How often a process ended by itself, by name and how.
    private(set) var endings: [String: Int] = [:]

    /// Starts a member, and keeps it running from now on.
    func add(_ name: String, _ start: @escaping @Sendable () async throws -> FleetProcess) async throws {
        members[name] = Member(start: start, process: try await start())
    }

    var names: [String] { members.keys.sorted() }

    func processID(_ name: String) -> Int32? {
        members[name].flatMap { $0.process.exit == nil ? $0.process.processID : nil }
    }

    // MARK: Faults

    /// Kills a member (SIGKILL) and holds it down.
    func hold(_ name: String) async throws {
        members[name]?.holds += 1
        try await members[name]?.process.kill9()
    }

    /// Starts it again, unless another fault holds it down.
    func release(_ name: String) async throws {
        members[name]?.holds -= 1
        try await start(name)
    }

    func signal(_ name: String, _ number: Int32) { members[name]?.process.signal(number) }

    // MARK: Keeping

    /// Starts whoever ended, until cancelled.
    func supervise(_ note: @Sendable (String) -> Void) async throws {
        while true {
            for (name, member) in members where member.holds == 0 && !member.isStarting {
                guard let exit = member.process.exit else { continue }
                guard let since = member.endedSince else {
                    members[name]?.endedSince = .now
                    endings["\(name) (\(exit))", default: 0] += 1
                    note("\(name) ended by itself (\(exit)) and is started again")
                    continue
                }
                guard since.duration(to: .now) >= Self.restartDelay else { continue }
                do {
                    try await start(name)
                } catch is CancellationError {
                    throw CancellationError()
                } catch {
                    note("\(name) did not start, and is started again: \(error)")
                    members[name]?.endedSince = .now
                }
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private func start(_ name: String) async throws {
        guard let member = members[name], member.holds == 0, !member.isStarting, member.process.exit != nil
        else {
            return
        }
        members[name]?.isStarting = true
        defer { members[name]?.isStarting = false }
        let process = try await member.start()
        members[name]?.process = process
        members[name]?.endedSince = nil
        // Somebody held it down while it was being started.
        if members[name]?.holds ?? 0 > 0 { try await process.kill9() }
    }

    /// Ends members as their users would, all at once, and no longer keeps them.
    ///
    /// - Throws: ``DidNotHappen`` where one does not end well.
    func retire(_ names: [String], within deadline: Duration) async throws {
        let retired = names.compactMap { members.removeValue(forKey: $0) }
        for member in retired { member.process.signal(SIGTERM) }
        for member in retired {
            let exit = try await member.process.waitForExit(within: deadline)
            guard exit == .code(0) else {
                throw DidNotHappen(
                    description: "\(member.process.name) was told to end, and ended with \(exit)")
            }
        }
    }
}
