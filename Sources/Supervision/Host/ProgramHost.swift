public import Logging
import PKI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What all programs of one core share: what this machine can confine them with, where it is recorded what
/// runs, and the keeper, which ends them where the core is killed.
///
/// One for each core. ``run()`` goes on beside the supervisors: begin it before them, end it after them.
public final class ProgramHost: Sendable {
    /// What keeps programs in their bounds here.
    public let confinement: ConfinementReport
    let tools: ProgramTools
    let cgroup: CgroupRoot?
    /// Identity of this run of the core.
    let identity: String
    let records: ProgramRecords
    let logger: Logger

    private init(
        confinement: ConfinementReport, tools: ProgramTools, cgroup: CgroupRoot?, identity: String,
        records: ProgramRecords, logger: Logger
    ) {
        self.confinement = confinement
        self.tools = tools
        self.cgroup = cgroup
        self.identity = identity
        self.records = records
        self.logger = logger
    }

    /// Ends what an earlier core left here, and looks what this machine can do: a sandbox is tried, not
    /// assumed.
    ///
    /// - Parameters:
    ///   - directory: the core's own, for its records; is made where it does not exist. One core uses it at a
    ///     time.
    ///   - searchPath: where bubblewrap and util-linux are looked for.
    ///   - usesCgroup: whether control groups are used where they can be.
    ///   - logger: says what was found.
    /// - Throws: `FileFailure`, where the directory cannot be used.
    public static func open(
        directory: String, searchPath: String = ProgramHost.standardSearchPath, usesCgroup: Bool = true,
        logger: Logger
    ) async throws -> ProgramHost {
        let records = ProgramRecords(directory: directory)
        let identity = ProgramMarker.random()
        let left = try await records.endLeftovers()
        if left > 0 {
            logger.notice("ended programs that an earlier core left", metadata: ["processes": "\(left)"])
        }
        let (finding, cgroup) = await cgroups(usesCgroup, identity)
        try await records.begin(run: identity, cgroup: cgroup?.path)
        let tools = ProgramTools(path: searchPath)
        let confinement = ConfinementReport(
            sandbox: await SandboxTrial(tools: tools).result(), cgroup: finding, isRoot: geteuid() == 0)
        if confinement.hasSandbox {
            logger.info("components are confined", metadata: ["confinement": "\(confinement.sentence)"])
        } else {
            logger.warning(
                "components run unconfined: there is no sandbox",
                metadata: ["confinement": "\(confinement.sentence)"])
        }
        return ProgramHost(
            confinement: confinement, tools: tools, cgroup: cgroup, identity: identity, records: records,
            logger: logger)
    }

    /// Where the tools are looked for, if nothing else is said.
    public static let standardSearchPath = ProgramTools.path

    /// Why a plan would not be run here, in one sentence; nil where it would.
    public func refusal(of plan: ProgramPlan) -> String? {
        if let problem = plan.problem { return problem }
        guard plan.sandbox == .required, case .absent(let reason) = confinement.sandbox else { return nil }
        return "the component \(plan.name) requires a sandbox and there is none on this core (\(reason)); "
            + "install bubblewrap there, or let the recipe say sandbox: preferred"
    }

    /// Who a program of this name runs as in a sandbox, where the core is root; nil where it stays the core's
    /// user. What the program is to open, a socket for example, has to be open for this user.
    public func user(of instance: String) -> ProgramUser? {
        confinement.isRoot && confinement.hasSandbox ? ProgramUser(of: instance) : nil
    }

    /// The sandbox of a plan; nil where it runs without.
    func sandbox(of plan: ProgramPlan) -> Sandbox? {
        guard plan.sandbox != .off, confinement.hasSandbox else { return nil }
        return Sandbox(tools: tools, user: user(of: plan.name))
    }

    /// Keeps a process beside the core that ends all programs where the core is gone. Returns when it is
    /// cancelled, or at once where no such process can be started, which is logged.
    public func run() async {
        await ProgramKeeper(identity: identity, cgroup: cgroup?.path, logger: logger).run()
        if Task.isCancelled { await records.end(cgroup: cgroup) }
    }

    private static func cgroups(_ isWanted: Bool, _ run: String) async -> (CgroupFinding, CgroupRoot?) {
        guard isWanted else { return (.absent(reason: "control groups are switched off"), nil) }
        return await Blocking.run {
            do throws(CgroupRoot.Absent) {
                let root = try CgroupRoot.make(run: run)
                return (.usable(controllers: root.controllers), root)
            } catch {
                return (.absent(reason: error.reason), nil)
            }
        }
    }
}
