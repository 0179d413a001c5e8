import Expressions

/// The functions that the core offers to expressions, and what they need.
enum HostFunctions {
    /// `cpuTemperature()` and `cpuTemperature(duration)`, in °C.
    static let cpuTemperature = HostFunction(
        name: "cpuTemperature",
        overloads: [
            HostFunction.Overload(parameters: [], result: .double),
            HostFunction.Overload(parameters: [.duration], result: .double),
        ],
        documentation:
            "The temperature of the core's CPU in °C: the newest sample, or the mean over a duration.")

    /// `shadow()` and `shadow('NAME')`: the document of the message's thing.
    static let shadow = HostFunction(
        name: "shadow",
        overloads: [
            HostFunction.Overload(parameters: [], result: .map(.string, .dyn)),
            HostFunction.Overload(parameters: [.string], result: .map(.string, .dyn)),
        ],
        documentation:
            "The newest local shadow of the message's thing, the classic one or a named one: a map of desired, reported "
            + "and version, empty where there is none.")

    /// What a function needs of the host; empty where it is not one of ours.
    static func access(for function: String) -> HostAccess {
        function == cpuTemperature.name ? .cpuTemperature : []
    }

    /// What is wrong with a span of ``cpuTemperature``; nil where nothing is.
    static func problem(withSpan span: Duration) -> String? {
        if TransformLimits.cpuTemperatureSpan.contains(span) { return nil }
        return "the duration of cpuTemperature has to be 1 s to 10 min (\"1s\" to \"600s\")"
    }
}
