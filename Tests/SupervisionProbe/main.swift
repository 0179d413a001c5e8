import Logging
import Supervision

// A core reduced to one program, for tests that kill it:
// supervision-probe DIRECTORY SEARCH-PATH GROUPS SCRIPT
let arguments = CommandLine.arguments
let logger = Logger(label: "probe")
let host = try await ProgramHost.open(
    directory: "\(arguments[1])/programs", searchPath: arguments[2], usesCgroup: arguments[3] == "yes",
    logger: logger)
var plan = ProgramPlan(
    name: "probe",
    directories: ProgramDirectories(
        working: "\(arguments[1])/work", data: "\(arguments[1])/data", log: "\(arguments[1])/log"))
plan.run = ["sh", "-c", arguments[4]]
let supervisor = ProgramSupervisor(plan: plan, host: host, logger: logger)
await withDiscardingTaskGroup { group in
    group.addTask { await host.run() }
    group.addTask { await supervisor.run() }
}
