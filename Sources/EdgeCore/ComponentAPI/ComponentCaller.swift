import Components
import GRPCCore

/// A program that calls the core, as its token says.
struct ComponentCaller: ServerContext.TransportSpecific {
    /// Name of its instance.
    let instance: String
    /// Tells the runs of the instance's programs apart.
    let run: UInt64
    /// What the core runs it as.
    let component: RunningComponent
}
