import ArgumentParser
import BME680
import Foundation
import Testing
import ThingClient

@testable import HedgerowCLI

@Suite("hedgerow thing run --sensor")
struct SensorOptionTests {
    private func parse(_ arguments: String...) throws -> ThingRunCommand {
        try ThingRunCommand.parse(["--token", "t"] + arguments)
    }

    /// What the refusal of a command line says; nil where it is accepted.
    private func refusal(_ arguments: [String]) -> String? {
        do {
            _ = try ThingRunCommand.parse(["--token", "t"] + arguments)
            return nil
        } catch {
            return ThingRunCommand.message(for: error)
        }
    }

    @Test func theDefaultsAreTheSensors() throws {
        let command = try parse("--sensor", "bme680")
        #expect(command.bme680.settings == BME680Settings())
        #expect(command.bme680.i2cAddress == nil && command.bme680.i2cBus == nil)
    }

    @Test func everySettingCanBeGiven() throws {
        let command = try parse(
            "--sensor", "bme680", "--i2c-bus", "/dev/i2c-3", "--i2c-address", "0x77", "--heater-temperature",
            "280",
            "--heater-duration", "100", "--temperature-oversampling", "16", "--pressure-oversampling", "0",
            "--humidity-oversampling", "1", "--filter", "127", "--temperature-offset=-1.5", "--interval", "10"
        )
        var settings = BME680Settings()
        settings.heater = .init(temperature: 280, duration: .milliseconds(100))
        settings.temperatureOversampling = .x16
        settings.pressureOversampling = .off
        settings.humidityOversampling = .x1
        settings.filter = .x127
        settings.temperatureOffset = -1.5
        #expect(command.bme680.settings == settings)
        #expect(command.bme680.i2cAddress == .secondary)
        #expect(try parse("--sensor", "bme680", "--i2c-address", "auto").bme680.i2cAddress == .automatic)
        #expect(
            try parse("--sensor", "bme680", "--no-gas", "--interval", "0.06").bme680.settings.heater == nil)
        #expect(try parse("--cpu-temperature-file", "f").bme680.cpuTemperatureFile == "f")
        #expect(try parse("--sensor", "simulated", "--no-gas", "--interval", "0.01").bme680.noGas)
    }

    @Test(arguments: [
        (["--sensor", "bme680", "--interval", "0.1"], "--interval is at least 0.181 with these settings"),
        (["--i2c-bus", "/dev/i2c-1"], "--i2c-bus is for --sensor bme680"),
        (["--i2c-address", "0x76"], "--i2c-address is for --sensor bme680"),
        (["--sensor", "bme680", "--i2c-address", "0x40"], "0x40"),
        (
            ["--sensor", "bme680", "--cpu-temperature-file", "f"],
            "--cpu-temperature-file is for --sensor simulated"
        ),
        (["--file", "x.csv", "--no-gas"], "A replay has no sensor to set up"),
        (
            ["--sensor", "bme680", "--no-gas", "--heater-temperature", "300"],
            "--no-gas leaves the heater off"
        ),
        (["--heater-temperature", "500"], "between 200 and 400 °C, not 500.0"),
        (["--heater-duration", "5000"], "between 1 and 4032 ms"),
        (["--temperature-oversampling", "0"], "cannot be off"),
        (["--humidity-oversampling", "3"], "3"),
        (["--filter", "2"], "2"),
        (["--sensor", "bme280"], "bme280"),
    ])
    func whatCannotBeIsRefusedWithAReason(arguments: [String], text: String) {
        #expect(refusal(arguments)?.contains(text) == true, "\(refusal(arguments) ?? "accepted")")
    }

    @Test func aFailedReadingHasALineOfItsOwn() {
        let reading = SourcedReading(delay: .seconds(1), failure: "No BME680 answers.")
        let now = Date(timeIntervalSince1970: 1_772_366_400.25)
        #expect(
            ReadingPrinter.text(of: reading, topic: "t/readings", at: now)
                == "2026-03-01T12:00:00.250Z  t/readings  failed: No BME680 answers.")
        let good = SourcedReading(delay: .seconds(1), values: ["on": true])
        #expect(
            ReadingPrinter.text(of: good, topic: "t", at: now) == "2026-03-01T12:00:00.250Z  t  on true")
    }

    @Test func equalFailuresAreSaidOnceAndTheirEndToo() {
        var log = FailureLog()
        let start = ContinuousClock.now
        func line(_ failure: String?, _ second: Int) -> String? {
            log.line(for: failure, at: start + .seconds(second))
        }
        #expect(line(nil, 0) == nil)
        #expect(line("gone.", 1) == "No reading: gone.")
        #expect((2...30).allSatisfy { line("gone.", $0) == nil })
        #expect(line("late.", 31) == "No reading: late. (31 failed samples so far)")
        #expect(line("gone.", 32) == nil)
        #expect(line("gone.", 61) == "No reading: gone. (33 failed samples so far)")
        #expect(line(nil, 62) == "The sensor gives readings again, after 33 failed samples.")
        #expect(line(nil, 63) == nil)
        // A loose contact does not fill the log.
        let lines = (64...120).map { line($0.isMultiple(of: 2) ? "gone." : nil, $0) }
        #expect(lines.allSatisfy { $0 == nil })
        #expect(line(nil, 121) == nil)
        #expect(line("gone.", 122) == "No reading: gone.")
    }

    @Test func theProcessorsTemperatureIsWrittenAsTheKernelDoes() async throws {
        let path = FileManager.default.temporaryDirectory.path + "/cpu-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let air = SimulatedAir(seed: 680)
        let time = Date(timeIntervalSince1970: 1_772_366_400)
        try await CPUTemperatureFile(path: path, air: air).write(at: time)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.last == "\n")
        let millidegrees = try #require(Int(text.dropLast()))
        #expect((45_000...60_000).contains(millidegrees))
        #expect(millidegrees == Int((air.processorTemperature(at: 1_772_366_400) * 1_000).rounded()))
    }
}
