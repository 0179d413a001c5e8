import BME680
import RPCSupport

/// Whether the I2C buses of this machine can be used. A core needs none; a thing beside it may.
enum BusChecks {
    private static let check = "i2c"

    /// Looks at every bus that is there. Blocks for some milliseconds.
    static func buses() -> [DoctorFinding] {
        let buses = BME680Probe.buses()
        if buses.isEmpty { return [.skipped(check, "this machine has no I2C bus")] }
        return buses.prefix(8).map { finding(BME680Probe.look(on: LinuxI2CBus(path: $0)), bus: $0) }
    }

    static func finding(_ outcome: BME680Probe.Outcome, bus: String) -> DoctorFinding {
        switch outcome {
        case .sensor(let address):
            .good(check, "a BME680 answers at 0x\(String(address, radix: 16)) on \(bus)")
        case .other(let address, let id):
            .good(
                check,
                "\(bus) can be used; at 0x\(String(address, radix: 16)) answers a chip with the id 0x\(String(id, radix: 16)), "
                    + "which is no BME680")
        case .nothing: .good(check, "\(bus) can be used; no BME680 answers at 0x76 or 0x77")
        case .unusable(let error):
            .warning(
                check, String(error.description.prefix { $0 != ";" && $0 != "." }),
                advice: "add the user to group i2c, if a thing on this machine is to use the bus")
        }
    }
}
