import Foundation

/// How a soak is run, from the environment; `scripts/soak.sh` sets it.
struct SoakSettings: Sendable {
    /// How long faults go on; 0 for two rounds, which hold every kind of fault once.
    var minutes = 0
    var seed = UInt64.random(in: 0 ... .max)
    /// Readings of each thing per second.
    var rate = 25
    /// Where everything is kept; a temporary directory, which is deleted where all is well, for nil.
    var directory: String?

    init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        if let text = environment["HEDGEROW_SOAK_MINUTES"], let value = Int(text) { minutes = value }
        if let text = environment["HEDGEROW_SOAK_SEED"], let value = UInt64(text) { seed = value }
        if let text = environment["HEDGEROW_SOAK_RATE"], let value = Int(text), value > 0 { rate = value }
        directory = environment["HEDGEROW_SOAK_DIRECTORY"]
    }
}
