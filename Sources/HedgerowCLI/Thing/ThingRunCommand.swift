import ArgumentParser
import BME680
import Foundation
import OTLPExporter
import ThingClient

/// `hedgerow thing run`: read a sensor and publish, until told to end.
struct ThingRunCommand: AsyncParsableCommand {
    /// Where readings come from.
    enum Sensor: String, CaseIterable, ExpressibleByArgument {
        case bme680, simulated, replay
    }

    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Publish a sensor's readings, and act on commands.",
        discussion: """
            Prints one line a reading: time, topic, values, state (sent, acknowledged, buffered, rejected). A sample \
            that cannot be taken is published as a failed reading with the reason, and the thing goes on. Commands \
            are JSON objects or readings on the command topic: {"interval": 5} (seconds), {"pause": true}, \
            {"resume": true}, {"identify": true}.

            SIGINT and SIGTERM end the sampling; what is buffered is flushed first, and a second signal ends at once.

            Example:
              hedgerow thing run --token bme680-1.token
              hedgerow thing run --state bme680-1 --sensor bme680 --interval 10
              hedgerow thing run --state bme680-1 --sensor replay --file day.csv --speed 10
            """)

    @OptionGroup var identity: ThingIdentityOptions

    @Option(
        help: """
            bme680 (on an I2C bus), simulated (a BME680 beside the processor of a small computer in a hall; the \
            default) or replay (a CSV file).
            """)
    var sensor: Sensor?

    @OptionGroup(title: "Options of --sensor bme680 and simulated") var bme680: BME680Options

    @Option(
        help: "CSV file to replay: a header, a column `time`, other columns as `name` or `name[unit]`.",
        completion: .file())
    var file: String?

    @Option(help: "How many times faster than recorded to replay.")
    var speed: Double = 1

    @Flag(help: "Replay again from the start at the end, with times that go on growing.")
    var loop = false

    @Flag(help: "Give replayed readings the present time instead of the recorded one.")
    var restamp = false

    @Option(
        help: "Name of the column of times in the replayed file. Default: time, timestamp, datetime or date.")
    var timeColumn: String?

    @Option(help: "Topic to publish on. Default: NAME/readings.")
    var topic: String?

    @Option(help: "Seconds between readings, at least 0.01; a real sensor needs about 0.2, without gas 0.05.")
    var interval: Double = 1

    @Option(help: "End after so many readings.")
    var count: Int?

    @Option(help: "End after so many seconds.")
    var duration: Double?

    @Option(help: "0: sent once; 1: kept until a server has it on disk, stored exactly once.")
    var qos = 1

    @Flag(help: "Publish straight to the cloud instead of to a core.")
    var direct = false

    @Option(help: "Seed of the simulation; the same seed gives the same air. Default: random.")
    var seed: UInt64?

    @Option(help: "Topic filter of the commands to hear, empty for none. Default: commands/NAME/#.")
    var commandTopic: String?

    @Flag(
        help: "When the buffer is full, drop the oldest reading (counted, declared lost) instead of waiting.")
    var dropOldest = false

    @Option(help: "Seconds to wait at the end for what is not acknowledged yet.")
    var flushTimeout: Double = 30

    @Flag(help: "Print errors only.")
    var quiet = false

    @Option(
        help: "File that is replaced every second and at the end with the counts, as JSON.",
        completion: .file())
    var statsFile: String?

    @Option(
        help: "File that gets a line `EPOCH FIRST LAST` for each acknowledged range.", completion: .file())
    var ackLog: String?

    func validate() throws {
        if !(0.01...86_400).contains(interval) {
            throw ValidationError("--interval is between 0.01 and 86400 seconds.")
        }
        if qos != 0, qos != 1 { throw ValidationError("--qos is 0 or 1.") }
        if speed <= 0 { throw ValidationError("--speed is above 0.") }
        if let count, count < 1 { throw ValidationError("--count is at least 1.") }
        // Up to 30 years, and no "nan": what lies beyond is no span of time.
        if let duration, !(duration > 0 && duration <= 1e9) {
            throw ValidationError("--duration is above 0, at most 1e9.")
        }
        if !(0...1e9).contains(flushTimeout) {
            throw ValidationError("--flush-timeout is not negative, at most 1e9.")
        }
        if chosenSensor == .replay, file == nil {
            throw ValidationError("--sensor replay needs --file FILE.csv.")
        }
        if chosenSensor != .replay, file != nil {
            throw ValidationError("--file is for --sensor replay.")
        }
        try bme680.validate(for: chosenSensor, interval: .seconds(interval))
    }

    private var chosenSensor: Sensor { sensor ?? (file == nil ? .simulated : .replay) }

    func run() async throws {
        let name = try await ThingIdentity.read(identity.configuration).name
        var configuration = identity.configuration
        configuration.direct = direct
        configuration.overflow = dropOldest ? .dropOldest : .wait
        configuration.flushTimeout = .seconds(flushTimeout)
        let (source, companion) = try source()
        let tracing = ProgramTracing.bootstrap(
            environment: ProcessInfo.processInfo.environment, service: "hedgerow-thing")
        let runner = try ThingRunner(
            name: name, configuration: configuration, source: source,
            topic: topic ?? "\(name)/readings",
            commandTopic: commandTopic ?? "commands/\(name)/#", qos: qos == 0 ? .atMostOnce : .atLeastOnce,
            count: count, duration: duration.map { .seconds($0) }, quiet: quiet, statsFile: statsFile,
            ackLog: ackLog, companion: companion)
        try await runner.run(exporting: tracing)
    }

    private func source() throws -> (any ReadingSource, ThingRunner.Companion?) {
        switch chosenSensor {
        case .bme680:
            return (try bme680.source(interval: .seconds(interval)), nil)
        case .simulated:
            let air = SimulatedAir(seed: seed ?? UInt64.random(in: .min ... .max))
            let source = try BME680Source.simulated(
                air: air, interval: .seconds(interval), settings: bme680.settings)
            return (source, bme680.cpuTemperatureFile.map { CPUTemperatureFile(path: $0, air: air).keep })
        case .replay:
            let source = try ReplaySource(
                path: file ?? "", speed: speed, loops: loop, restamps: restamp, timeColumn: timeColumn)
            return (source, nil)
        }
    }
}
