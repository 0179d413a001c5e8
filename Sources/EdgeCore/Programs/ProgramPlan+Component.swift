import Components
import Foundation
import Supervision

extension ProgramPlan {
    /// What is to be run for an instance.
    ///
    /// - Parameters:
    ///   - component: the instance, of kind process.
    ///   - definition: what its recipe says.
    ///   - directories: where.
    ///   - socket: the core's socket for components.
    ///   - variables: what the core tells it.
    init(
        _ component: RunningComponent, _ definition: ProcessDefinition, in directories: ProgramDirectories,
        socket: String, variables: [String: String]
    ) {
        self.init(name: component.instance, directories: directories)
        switch definition.start {
        case .run(let command): run = command.argumentVector
        case .hooks(let hook): startup = ProgramHook(hook)
        }
        shutdown = definition.shutdown.map(ProgramHook.init)
        install = definition.install.map(ProgramHook.init)
        installKey = ProgramFolders.key(of: component)
        recover = definition.recover.map(ProgramHook.init)
        if let check = definition.health {
            var command: ProgramHook?
            if case .command(let line, let timeout) = check.source {
                command = ProgramHook(line.argumentVector, timeout: timeout.duration)
            }
            health = ProgramHealth(
                command: command, interval: check.interval.duration, failures: check.failures)
        }
        mode = definition.mode == .onDemand ? .onDemand : .longLived
        environment = component.environment.merging(variables) { _, core in core }
        switch definition.sandbox {
        case .required: sandbox = .required
        case .preferred: sandbox = .preferred
        case .off: sandbox = .off
        }
        let access = component.recipe?.access ?? ComponentAccess()
        grants = SandboxGrants(
            read: access.readPaths, write: access.write, devices: access.devices, sockets: [socket],
            network: access.network)
        grants.fixed = component.artifacts.map { directories.working + "/" + $0.name }
        limits = Supervision.ProgramLimits(
            memory: definition.limits.memory.map { Int(clamping: $0.bytes) }, cpu: definition.limits.cpu,
            processes: definition.limits.processes, files: definition.limits.files)
        logQuota = Int(clamping: definition.maximumLogSize.bytes)
    }
}

extension ProgramHook {
    /// A hook of a recipe.
    fileprivate init(_ hook: HookCommand) {
        self.init(hook.command.argumentVector, timeout: hook.timeout.duration)
    }
}
