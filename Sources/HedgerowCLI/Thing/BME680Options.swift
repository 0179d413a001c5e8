public import ArgumentParser
public import BME680
import ThingClient

/// How a BME680 is reached and how it measures.
struct BME680Options: ParsableArguments {
    @Option(help: "The I2C bus of --sensor bme680. Default: /dev/i2c-1, pins 3 and 5 of a Raspberry Pi.")
    var i2cBus: String?

    @Option(help: "The sensor's address: 0x76, 0x77 or auto (both are tried). Default: auto.")
    var i2cAddress: BME680Address?

    @Flag(help: "Do not measure gas: the heater stays off, a reading takes 0.05 s instead of 0.2 s.")
    var noGas = false

    @Option(help: "Temperature of the gas heater in °C, 200 to 400. Default: 320.")
    var heaterTemperature: Double?

    @Option(help: "How long the gas heater is on before each reading, 1 to 4032 ms. Default: 150.")
    var heaterDuration: Int?

    @Option(help: "Conversions averaged for the temperature: 1, 2, 4, 8 or 16. Default: 8.")
    var temperatureOversampling: BME680Settings.Oversampling?

    @Option(help: "Conversions averaged for the pressure: 0 (not measured), 1, 2, 4, 8 or 16. Default: 4.")
    var pressureOversampling: BME680Settings.Oversampling?

    @Option(help: "Conversions averaged for the humidity: 0 (not measured), 1, 2, 4, 8 or 16. Default: 2.")
    var humidityOversampling: BME680Settings.Oversampling?

    @Option(
        help: """
            Strength of the sensor's filter over successive temperatures and pressures: 0 (off), 1, 3, 7, 15, 31, \
            63 or 127. Default: 3.
            """)
    var filter: BME680Settings.Filter?

    @Option(
        help: "°C to add to each temperature, -50 to 50, for a difference that does not change. Default: 0.")
    var temperatureOffset: Double?

    @Option(
        help: """
            With --sensor simulated: a file that is replaced once a second (atomically) with the simulated \
            processor's temperature, in millidegrees as in /sys/class/thermal/thermal_zone0/temp, for a core \
            that corrects the sensor's temperature by it.
            """)
    var cpuTemperatureFile: String?

    /// The settings that the options give; what they say may still be impossible.
    var settings: BME680Settings {
        var settings = BME680Settings()
        if let temperatureOversampling { settings.temperatureOversampling = temperatureOversampling }
        if let pressureOversampling { settings.pressureOversampling = pressureOversampling }
        if let humidityOversampling { settings.humidityOversampling = humidityOversampling }
        if let filter { settings.filter = filter }
        if let temperatureOffset { settings.temperatureOffset = temperatureOffset }
        if let heaterTemperature { settings.heater?.temperature = heaterTemperature }
        if let heaterDuration { settings.heater?.duration = .milliseconds(heaterDuration) }
        if noGas { settings.heater = nil }
        return settings
    }

    /// Refuses settings that the sensor cannot have, and options that are for another sensor.
    func validate(for sensor: ThingRunCommand.Sensor, interval: Duration) throws {
        if sensor != .bme680 {
            for (name, isGiven) in [("--i2c-bus", i2cBus != nil), ("--i2c-address", i2cAddress != nil)]
            where isGiven {
                throw ValidationError("\(name) is for --sensor bme680.")
            }
        }
        if sensor != .simulated, cpuTemperatureFile != nil {
            throw ValidationError("--cpu-temperature-file is for --sensor simulated.")
        }
        if sensor == .replay, settings != BME680Settings() {
            throw ValidationError("A replay has no sensor to set up; leave out the options of the BME680.")
        }
        if noGas, heaterTemperature != nil || heaterDuration != nil {
            throw ValidationError(
                "--no-gas leaves the heater off; leave out --heater-temperature and -duration.")
        }
        do { try settings.validate() } catch { throw ValidationError("\(error)") }
        let shortest = settings.measuringDuration
        if sensor == .bme680, interval < shortest {
            let milliseconds = Int((shortest / .milliseconds(1)).rounded(.up))
            throw ValidationError(
                "--interval is at least \(Double(milliseconds) / 1_000) with these settings: a measurement takes "
                    + "\(milliseconds) ms (less with --no-gas, a shorter --heater-duration or less oversampling)."
            )
        }
    }

    /// The source of a real sensor.
    func source(interval: Duration) throws -> BME680Source {
        let sensor = try BME680Sensor(
            bus: LinuxI2CBus(path: i2cBus ?? "/dev/i2c-1"), address: i2cAddress ?? .automatic,
            settings: settings)
        return BME680Source(sensor: sensor, interval: interval)
    }
}

extension BME680Address: ExpressibleByArgument {
    /// Reads `0x76`, `0x77` (or without `0x`) and `auto`.
    public init?(argument: String) {
        switch argument.lowercased() {
        case "auto": self = .automatic
        case "0x76", "76": self = .primary
        case "0x77", "77": self = .secondary
        default: return nil
        }
    }

    /// The forms that the help and errors name.
    public static var allValueStrings: [String] { ["auto", "0x76", "0x77"] }

    /// As it is written.
    public var defaultValueDescription: String {
        switch self {
        case .automatic: "auto"
        case .primary: "0x76"
        case .secondary: "0x77"
        }
    }
}

extension BME680Settings.Oversampling: ExpressibleByArgument {}

extension BME680Settings.Filter: ExpressibleByArgument {}
