import Dispatch

/// CLOCK_MONOTONIC, which is the same for every process of the machine.
enum MonotonicTime {
    /// Seconds.
    static func now() -> Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }
}
