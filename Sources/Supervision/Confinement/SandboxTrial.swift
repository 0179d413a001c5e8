import Subprocess

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Tries whether bubblewrap works: it may be installed where the kernel, or the container around, does not
/// let it.
struct SandboxTrial: Sendable {
    let tools: ProgramTools

    /// How long one run may take.
    static let timeout: Duration = .seconds(20)

    /// Runs the same sandbox that programs get, with nothing in it.
    func result() async -> SandboxFinding {
        guard let bwrap = tools.bwrap else { return .absent(reason: "bubblewrap is not installed") }
        let isRoot = geteuid() == 0
        if isRoot, tools.setpriv == nil {
            return .absent(reason: "setpriv of util-linux is not installed, and the core is root")
        }
        let sandbox = Sandbox(tools: tools, user: isRoot ? ProgramUser(of: "trial") : nil)
        let command = await Blocking.run {
            sandbox.prefix(own: [], grants: SandboxGrants(), directory: "/tmp") + ["true"]
        }
        do {
            let (isGood, said) = try await run(command)
            guard isGood else { return .absent(reason: "bubblewrap does not work here: \(said)") }
            let version = try await run([bwrap, "--version"]).said
            return .bubblewrap(version: version.split(separator: " ").last.map(String.init) ?? version)
        } catch {
            return .absent(reason: "bubblewrap does not work here: \(error)")
        }
    }

    private func run(_ command: [String]) async throws -> (isGood: Bool, said: String) {
        try await withThrowingTaskGroup(of: (isGood: Bool, said: String)?.self) { group in
            group.addTask {
                let result = try await Subprocess.run(
                    .path(FilePath(command[0])), arguments: Arguments(Array(command.dropFirst())),
                    environment: .custom([Environment.Key(stringLiteral: "PATH"): ProgramTools.path]),
                    workingDirectory: "/", output: .string(limit: 4 << 10), error: .combinedWithOutput)
                let lines = result.standardOutput.split(separator: "\n")
                return (result.terminationStatus.isSuccess, lines.first.map(String.init) ?? "")
            }
            group.addTask {
                try await Task.sleep(for: Self.timeout)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next().flatMap { $0 } ?? (false, "it did not end within \(Self.timeout)")
        }
    }
}
