import Components

/// Programs as the command line writes them.
enum ProcessText {
    /// Most characters of a command.
    private static let mostCharacters = 120

    /// What a program is, one line a fact; what its recipe does not have is left out.
    static func lines(_ process: ProcessDefinition) -> [(String, String)] {
        var lines: [(String, String)] = []
        switch process.start {
        case .run(let command): lines.append(("runs", shown(command)))
        case .hooks(let startup): lines.append(("startup", shown(startup)))
        }
        for (name, hook) in [
            ("shutdown", process.shutdown), ("install", process.install), ("recover", process.recover),
        ] {
            if let hook { lines.append((name, shown(hook))) }
        }
        if let health = process.health { lines.append(("health", shown(health))) }
        lines.append(
            (
                "mode",
                process.mode == .longLived
                    ? "long-lived"
                    : "on demand, ends "
                        + (process.idleTimeout == .seconds(0)
                            ? "never" : "after \(process.idleTimeout) without an event")
            ))
        lines.append(("handler timeout", "\(process.handlerTimeout)"))
        lines.append(("settles for", "\(process.settle)"))
        if process.onConfigurationChange == .notify {
            lines.append(("on configuration", "it is told of a change, and goes on"))
        }
        lines.append(("sandbox", process.sandbox.rawValue))
        let limits = limits(process)
        lines.append(("limits", limits.isEmpty ? "none" : limits.joined(separator: ", ")))
        lines.append(("log", "at most \(process.maximumLogSize)"))
        if !process.environment.isEmpty {
            lines.append(("environment", process.environment.keys.sorted().joined(separator: " ")))
        }
        if !process.secrets.isEmpty {
            lines.append(("secrets", process.secrets.joined(separator: " ")))
        }
        return lines
    }

    private static func limits(_ process: ProcessDefinition) -> [String] {
        [
            process.limits.memory.map { "memory \($0)" }, process.limits.cpu.map { "cpu \($0)" },
            process.limits.processes.map { "processes \($0)" }, process.limits.files.map { "files \($0)" },
        ].compactMap(\.self)
    }

    private static func shown(_ hook: HookCommand) -> String {
        "\(shown(hook.command)) (at most \(hook.timeout))"
    }

    private static func shown(_ health: HealthCheck) -> String {
        switch health.source {
        case .command(let command, let timeout):
            "\(shown(command)) (every \(health.interval), at most \(timeout), \(health.failures) failures)"
        case .report: "reported every \(health.interval), \(health.failures) failures"
        }
    }

    /// A command on one line.
    private static func shown(_ command: ProcessCommand) -> String {
        let text = command.description.split(whereSeparator: \.isNewline).joined(separator: " ; ")
        return text.count > mostCharacters ? "\(text.prefix(mostCharacters))…" : text
    }
}
