/// How a program is begun.
public enum ProcessStart: Hashable, Sendable {
    /// A program that is there as long as the component runs, or as long as it has events (`run:`).
    case run(ProcessCommand)
    /// A command that begins something and returns (`startup:`); ``ProcessDefinition/shutdown`` ends that.
    case hooks(HookCommand)
}
