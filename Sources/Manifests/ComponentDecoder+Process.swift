import Components
import Identity
import Yams

/// The program of a component.
extension ComponentDecoder {
    static let processKeys = [
        "run", "startup", "shutdown", "install", "recover", "health", "mode", "handlerTimeout", "idleTimeout",
        "settle", "onConfigurationChange", "sandbox", "limits", "logs", "environment", "secrets",
    ]

    /// Reads `process`; nil where there is no way to begin it. What is wrong is reported.
    mutating func readProcess(_ entry: ManifestReader.Entry) -> ProcessDefinition? {
        guard let fields = reader.fields(entry.value, what: "\"process\"", known: Self.processKeys) else {
            return nil
        }
        let start = readStart(fields, Place(entry.value.mark))
        // The other keys are read all the same, so that all their errors are told at once.
        var process = ProcessDefinition(start: start ?? .run(.shell("")))
        process.install = fields["install"].flatMap { readHook($0, .install) }
        process.shutdown = fields["shutdown"].flatMap { readHook($0, .shutdown) }
        process.recover = fields["recover"].flatMap { readHook($0, .recover) }
        process.health = fields["health"].flatMap { readHealth($0) }
        readMode(fields, into: &process)
        if let span = fields["handlerTimeout"].flatMap({
            readSpan($0, in: ProcessDefinition.Limits.handlerTimeouts)
        }) {
            process.handlerTimeout = span
        }
        if let span = fields["settle"].flatMap({ readSpan($0, in: ProcessDefinition.Limits.settlingTimes) }) {
            process.settle = span
        }
        if let policy: ConfigurationPolicy = fields["onConfigurationChange"].flatMap({
            reader.choice($0, what: "policy")
        }) {
            process.onConfigurationChange = policy
        }
        if let need: SandboxNeed = fields["sandbox"].flatMap({ reader.choice($0, what: "sandbox") }) {
            process.sandbox = need
        }
        if let entry = fields["limits"] { process.limits = readLimits(entry) }
        if let entry = fields["logs"], let size = readLogs(entry) { process.maximumLogSize = size }
        if let entry = fields["environment"] { process.environment = readVariables(entry) }
        if let entry = fields["secrets"] { process.secrets = readSecrets(entry) }
        return start == nil ? nil : process
    }

    // MARK: Beginning and end

    private mutating func readStart(
        _ fields: [String: ManifestReader.Entry], _ place: Place
    ) -> ProcessStart? {
        switch (fields["run"], fields["startup"]) {
        case (let run?, let startup):
            if let startup {
                reader.report(startup.keyPlace, "a program has either \"run\" or \"startup\"; remove one")
            }
            return readCommand(run).map { .run($0) }
        case (nil, let startup?):
            if fields["shutdown"] == nil {
                reader.report(
                    startup.keyPlace,
                    "what \"startup\" begins needs a command that ends it; add \"shutdown\"")
            }
            return readHook(startup, .startup).map { .hooks($0) }
        case (nil, nil):
            reader.report(
                place,
                "\"process\" lacks \"run\"; add the program, or \"startup\" and \"shutdown\" for something that "
                    + "runs without one")
            return nil
        }
    }

    private mutating func readMode(
        _ fields: [String: ManifestReader.Entry], into process: inout ProcessDefinition
    ) {
        var isModeKnown = true
        if let entry = fields["mode"] {
            let mode: ProcessMode? = reader.choice(entry, what: "mode")
            isModeKnown = mode != nil
            process.mode = mode ?? .longLived
            if process.mode == .onDemand, fields["run"] == nil, fields["startup"] != nil {
                reader.report(
                    entry.place,
                    "a program that runs on demand has \"run\", not \"startup\"; remove \"mode\", or write \"run\""
                )
            }
        }
        guard let entry = fields["idleTimeout"] else { return }
        // A mode that could not be read may have been the right one.
        if process.mode == .longLived, isModeKnown {
            reader.report(
                entry.keyPlace, "\"idleTimeout\" goes with mode: onDemand only; remove it, or add the mode")
        }
        guard let span = reader.span(entry) else { return }
        let allowed = ProcessDefinition.Limits.idleTimeouts
        if span == .seconds(0) || allowed.contains(span) {
            process.idleTimeout = span
        } else {
            reader.report(
                entry.place,
                "\(span) is out of range; write \(allowed.lowerBound) to \(allowed.upperBound), or 0s for never"
            )
        }
    }

    // MARK: Commands

    /// A hook: its command alone, or with a timeout.
    private mutating func readHook(_ entry: ManifestReader.Entry, _ hook: ProcessHook) -> HookCommand? {
        guard reader.isMapping(entry.value) else {
            return readCommand(entry).map { HookCommand(hook, command: $0) }
        }
        guard
            let parts = reader.fields(
                entry.value, what: "\"\(entry.key)\"", known: ["command", "timeout"], required: ["command"])
        else { return nil }
        let command = parts["command"].flatMap { readCommand($0) }
        let timeout = parts["timeout"].flatMap { readSpan($0, in: HookCommand.timeouts) }
        return command.map { HookCommand(command: $0, timeout: timeout ?? hook.defaultTimeout) }
    }

    private mutating func readCommand(_ entry: ManifestReader.Entry) -> ProcessCommand? {
        let command: ProcessCommand
        switch entry.value {
        case .sequence(let nodes):
            let arguments = nodes.compactMap { readArgument($0, of: entry.key) }
            guard arguments.count == nodes.count else { return nil }
            command = .arguments(arguments)
        case .scalar(let scalar) where reader.isText(scalar): command = .shell(scalar.string)
        default:
            reader.report(
                entry.place,
                "\"\(entry.key)\" has to be a list such as [python3, main.py], or a text for sh, but is "
                    + reader.kind(of: entry.value))
            return nil
        }
        if let problem = command.problem {
            reader.report(entry.place, problem)
            return nil
        }
        return command
    }

    /// An argument: a number or a truth value counts as the text that stands there.
    private mutating func readArgument(_ node: Node, of key: String) -> String? {
        if case .scalar(let scalar) = node {
            switch reader.tag(of: scalar) {
            case .int, .float, .bool: return scalar.string
            case .null:
                reader.report(
                    Place(node.mark), "an argument of \"\(key)\" is empty; write \"\" for an empty text")
                return nil
            default: break
            }
        }
        return reader.text(node, what: "an argument of \"\(key)\"")
    }

    // MARK: Health

    private mutating func readHealth(_ entry: ManifestReader.Entry) -> HealthCheck? {
        typealias Defaults = HealthCheck.Defaults
        guard reader.isMapping(entry.value) else {
            return readCommand(entry).map { HealthCheck(.command($0, timeout: Defaults.timeout)) }
        }
        guard
            let fields = reader.fields(
                entry.value, what: "\"health\"",
                known: ["command", "report", "interval", "timeout", "failures"])
        else { return nil }
        let interval =
            fields["interval"].flatMap { readSpan($0, in: HealthCheck.Limits.intervals) } ?? Defaults.interval
        let failures =
            fields["failures"].flatMap { readCount($0, in: HealthCheck.Limits.failures) } ?? Defaults.failures
        let timeout = fields["timeout"].flatMap { readSpan($0, in: HealthCheck.Limits.timeouts) }
        switch (fields["command"], fields["report"]) {
        case (let entry?, nil):
            if let timeout, timeout > interval, let place = fields["timeout"]?.place {
                reader.report(
                    place, "the timeout \(timeout) is longer than the interval \(interval); shorten it")
            }
            return readCommand(entry).map {
                HealthCheck(
                    .command($0, timeout: timeout ?? min(Defaults.timeout, interval)), interval: interval,
                    failures: failures)
            }
        case (nil, let entry?):
            if let timeout = fields["timeout"] {
                reader.report(timeout.keyPlace, "\"timeout\" goes with \"command\" only; remove it")
            }
            guard let isReported = reader.flag(entry) else { return nil }
            if !isReported {
                reader.report(entry.place, "write report: true, or remove \"health\"")
            }
            return HealthCheck(.report, interval: interval, failures: failures)
        default:
            reader.report(
                Place(entry.value.mark),
                "\"health\" has either \"command\" or \"report: true\"; write who says that it is well")
            return nil
        }
    }

    // MARK: Bounds

    private mutating func readLimits(_ entry: ManifestReader.Entry) -> ProcessLimits {
        var limits = ProcessLimits()
        let known = ["memory", "cpu", "processes", "files"]
        let fields = reader.fields(entry.value, what: "\"limits\"", known: known) ?? [:]
        limits.memory = fields["memory"].flatMap { readSize($0, in: ProcessLimits.memories) }
        limits.processes = fields["processes"].flatMap { readCount($0, in: ProcessLimits.processCounts) }
        limits.files = fields["files"].flatMap { readCount($0, in: ProcessLimits.fileCounts) }
        if let entry = fields["cpu"], let cpu = reader.number(entry) {
            limits.cpu = cpu
            if !ProcessLimits.cpus.contains(cpu) {
                reader.report(
                    entry.place,
                    "\(cpu) is out of range; write processors, \(ProcessLimits.cpus.lowerBound) to "
                        + "\(Int(ProcessLimits.cpus.upperBound)): 0.5 is half of one")
            }
        }
        return limits
    }

    private mutating func readLogs(_ entry: ManifestReader.Entry) -> ByteSize? {
        let fields = reader.fields(entry.value, what: "\"logs\"", known: ["maxSize"]) ?? [:]
        return fields["maxSize"].flatMap { readSize($0, in: ProcessDefinition.Limits.logSizes) }
    }

    private mutating func readSpan(
        _ entry: ManifestReader.Entry, in allowed: ClosedRange<TimeSpan>
    ) -> TimeSpan? {
        guard let span = reader.span(entry) else { return nil }
        return inRange(span, allowed, at: entry)
    }

    private mutating func readSize(
        _ entry: ManifestReader.Entry, in allowed: ClosedRange<ByteSize>
    ) -> ByteSize? {
        guard let size = reader.size(entry) else { return nil }
        return inRange(size, allowed, at: entry)
    }

    private mutating func readCount(_ entry: ManifestReader.Entry, in allowed: ClosedRange<Int>) -> Int? {
        guard let count = reader.integer(entry) else { return nil }
        return inRange(count, allowed, at: entry)
    }

    private mutating func inRange<Value: Comparable>(
        _ value: Value, _ allowed: ClosedRange<Value>, at entry: ManifestReader.Entry
    ) -> Value? {
        if allowed.contains(value) { return value }
        reader.report(
            entry.place,
            "\"\(entry.key)\" is \(value), out of range; write \(allowed.lowerBound) to \(allowed.upperBound)"
        )
        return nil
    }

    // MARK: Surroundings

    private mutating func readVariables(_ entry: ManifestReader.Entry) -> [String: String] {
        var environment: [String: String] = [:]
        var found: [String: Place] = [:]
        for variable in reader.entries(entry.value, what: "\"environment\"") ?? [] {
            found[variable.key] = variable.keyPlace
            environment[variable.key] = reader.variable(variable) ?? ""
        }
        for (variable, message) in EnvironmentRule.problems(with: environment, of: "a recipe") {
            reader.report(variable.flatMap { found[$0] } ?? entry.keyPlace, message)
        }
        return environment
    }

    private mutating func readSecrets(_ entry: ManifestReader.Entry) -> [String] {
        guard let nodes = reader.list(entry) else { return [] }
        if nodes.count > ProcessDefinition.Limits.secrets {
            reader.report(
                entry.keyPlace,
                "\(nodes.count) secrets are too many; a component reads at most "
                    + "\(ProcessDefinition.Limits.secrets)")
            return []
        }
        var secrets: [String] = []
        for node in nodes {
            guard let name = reader.text(node, what: "a name in \"secrets\"") else { continue }
            checkName(name, at: Place(node.mark), what: "the secret's")
            if name == "." || name == ".." {
                reader.report(
                    Place(node.mark), "\"\(name)\" is no name of a file; name the secret otherwise")
            }
            if secrets.contains(name) {
                reader.report(
                    Place(node.mark), "the secret \"\(reader.shown(name))\" is listed twice; remove one")
            }
            secrets.append(name)
        }
        return secrets
    }
}
