import BME680
import Foundation
import PKI

/// A file with the simulated processor's temperature, in the form of `/sys/class/thermal/thermal_zone0/temp`:
/// millidegrees Celsius and a line end.
struct CPUTemperatureFile: Sendable {
    let path: String
    let air: SimulatedAir

    /// Replaces the file once a second until it is cancelled. A file that cannot be written is said once and
    /// tried again.
    @Sendable func keep(report: @escaping @Sendable (String) -> Void) async throws {
        var isFailing = false
        while true {
            do {
                try await write(at: Date())
                isFailing = false
            } catch let error where !(error is CancellationError) {
                if !isFailing {
                    report(
                        "\(path) cannot be written (\(error.localizedDescription)); trying again each second."
                    )
                }
                isFailing = true
            }
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// Replaces the file: a temporary one and a rename, so that a reader never meets half of it.
    func write(at time: Date) async throws {
        let celsius = air.processorTemperature(at: time.timeIntervalSince1970)
        let text = "\(Int((celsius * 1_000).rounded()))\n"
        try await BlockingIO.run { [path] in
            try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        }
    }
}
