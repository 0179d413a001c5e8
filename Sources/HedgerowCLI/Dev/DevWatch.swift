import Components
import PKI

extension Dev {
    /// Looks for saved files and applies them.
    struct Watch: Sendable {
        var reader: DevReader
        var session: DevSession
        var files: DevFiles

        /// Applies what is there, then everything that is saved, until the task is cancelled.
        ///
        /// - Parameter deployed: told of each deployment, and when its change was seen.
        mutating func run(
            _ screen: DevScreen,
            deployed: (DevSession.Deployed, ContinuousClock.Instant) -> Void
        ) async throws {
            var changes = DevChanges(try await look())
            var hasApplied = try await apply(files, screen, since: .now, isFirst: true, deployed)
            var seen: ContinuousClock.Instant?
            while true {
                try await Task.sleep(for: DevChanges.interval)
                let stamps = try await look()
                let changed = changes.look(stamps)
                if changes.isUnderWay { seen = seen ?? .now }
                guard !changed.isEmpty else {
                    if !changes.isUnderWay { seen = nil }
                    continue
                }
                let since = seen ?? .now
                seen = nil
                do {
                    let new = try await reader.read()
                    if new.core != files.core || new.definition.name != files.definition.name {
                        throw CLIError(
                            .wrongUse, "the group's name or its first core is another one now",
                            hint: "end hedgerow dev and start it again, with --fresh or another --state")
                    }
                    files = new
                    hasApplied =
                        try await apply(new, screen, since: since, isFirst: !hasApplied, deployed)
                        || hasApplied
                } catch let error as CLIError where error.status == .wrongUse {
                    screen.mistakes(error, isFirst: !hasApplied)
                }
                // Other files may matter from now on.
                changes.watch(try await look())
            }
        }

        private func look() async throws -> [String: DevStamp] {
            try await BlockingIO.run { [reader] in reader.look() }
        }

        /// - Returns: whether it was applied, or was there already.
        private mutating func apply(
            _ files: DevFiles, _ screen: DevScreen, since: ContinuousClock.Instant, isFirst: Bool,
            _ deployed: (DevSession.Deployed, ContinuousClock.Instant) -> Void
        ) async throws -> Bool {
            do {
                guard let deployment = try await session.apply(files) else {
                    screen.say("saved, and nothing changes by it")
                    return true
                }
                deployed(deployment, since)
                if !isFirst { try await session.writeTokens(files) }
                return true
            } catch let error as CLIError where error.status != .unreachable {
                screen.mistakes(error, isFirst: isFirst)
                return false
            }
        }
    }
}
