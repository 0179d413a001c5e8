import BME680
import Foundation
import Testing

@testable import ThingClient

@Suite("Readings of a BME680")
struct BME680SourceTests {
    // MARK: simulated

    private func day(seed: UInt64) async throws -> [[String: ReadingValue]] {
        var source = try BME680Source.simulated(air: SimulatedAir(seed: seed), interval: .seconds(60))
        var result: [[String: ReadingValue]] = []
        for minute in 0..<1_440 {
            let next = try await source.next(after: noon.addingTimeInterval(Double(minute) * 60))
            let reading = try #require(next)
            #expect(reading.delay == .seconds(60))
            result.append(reading.values)
        }
        return result
    }

    @Test func theSameSeedGivesTheSameReadings() async throws {
        let one = try await day(seed: 7)
        #expect(try await day(seed: 7) == one)
        #expect(try await day(seed: 8) != one)
    }

    @Test(arguments: [1, 42] as [UInt64])
    func theReadingsArePlausibleAndVary(seed: UInt64) async throws {
        let readings = try await day(seed: seed)
        // Warmer and drier than the hall: the processor beside it has 45 to 60 °C.
        for (name, range) in [
            ("temperature", 28.0...46.0), ("pressure", 980.0...1_045.0), ("humidity", 3.0...60.0),
            ("gas_resistance", 30_000.0...250_000.0),
        ] {
            let numbers = readings.compactMap { $0[name]?.number }
            #expect(numbers.count == readings.count)
            #expect(numbers.allSatisfy(range.contains), "\(name)")
            #expect(Set(numbers).count > 100, "\(name) varies")
        }
    }

    @Test func theTemperatureIsTheDevicesAndTheCorrectionGivesTheRooms() async throws {
        let air = SimulatedAir(seed: 680)
        var settings = BME680Settings()
        settings.filter = .off
        var source = try BME680Source.simulated(air: air, settings: settings)
        for second in 0..<120 {
            let time = noon.addingTimeInterval(Double(second))
            let next = try await source.read(at: time)
            let temperature = try #require(next?.values["temperature"]?.number)
            let seconds = time.timeIntervalSince1970
            #expect(abs(temperature - air.atSensor(at: seconds).temperature) < 0.01)
            let processor =
                (0..<8).map { air.processorTemperature(at: seconds - Double($0)) }.reduce(0, +) / 8
            #expect(abs(2 * temperature - processor - air.room(at: seconds).temperature) < 2.5)
        }
    }

    @Test func theIntervalCanBeChangedDownToTenMilliseconds() async throws {
        var source = try BME680Source.simulated(air: SimulatedAir(seed: 1))
        let accepted = source.setInterval(.milliseconds(1))
        #expect(accepted)
        let fast = try await source.next(after: noon)
        #expect(fast?.delay == .milliseconds(10))
        _ = source.setInterval(.seconds(5))
        let slow = try await source.next(after: noon)
        #expect(slow?.delay == .seconds(5))
        #expect(
            slow?.units == [
                "temperature": "°C", "pressure": "hPa", "humidity": "%RH", "gas_resistance": "Ω",
            ])
    }

    // MARK: a device that fails

    /// A device, a source of it, and the clock of both.
    private struct Bench {
        let clock = LeapingClock()
        let device: SimulatedBME680
        var source: BME680Source

        init(settings: BME680Settings = BME680Settings()) throws {
            device = SimulatedBME680(name: "/dev/i2c-1", clock: clock) { _ in AirAtSensor() }
            let sensor = try BME680Sensor(bus: device, settings: settings, clock: clock)
            source = BME680Source(sensor: sensor, interval: .seconds(1), clock: clock)
        }

        /// A reading a second later than the one before.
        mutating func next() async throws -> SourcedReading {
            clock.advance(by: .seconds(1))
            let next = try await source.next(after: noon)
            return try #require(next)
        }
    }

    @Test func aFailedSampleIsAReadingWithItsReasonAndTheSourceGoesOn() async throws {
        var bench = try Bench()
        #expect(try await bench.next().values["temperature"]?.number == 21)
        bench.device.setFault(.unplugged)
        let failed = try await bench.next()
        #expect(failed.failure == "No BME680 answers on /dev/i2c-1 at 0x76; check its wiring and power.")
        #expect(failed.values.isEmpty && failed.units.isEmpty && failed.delay == .seconds(1))
        bench.device.setFault(nil)
        // The first failure may have been a disturbance: the next sample tries again.
        #expect(try await bench.next().values.count == 4)
    }

    @Test func aSensorThatStaysAwayIsLookedForLessAndLessOften() async throws {
        var bench = try Bench()
        bench.device.setFault(.chipID(0x58))
        var attempts: [Int] = []
        var before = 0
        for second in 1...100 {
            let reading = try await bench.next()
            #expect(reading.failure?.contains("chip id is 0x58") == true)
            let transfers = bench.device.transfers.count
            if transfers > before { attempts.append(second) }
            before = transfers
        }
        // At once, then after 1, 2, 4, 8, 16, 30 and 30 s.
        #expect(attempts == [1, 2, 3, 5, 9, 17, 33, 63, 93])
        bench.device.setFault(nil)
        var recovered = 0
        while try await bench.next().failure != nil { recovered += 1 }
        #expect(recovered <= 30)
        // And the next failure begins anew.
        bench.device.setFault(.bus(code: 5))
        #expect(try await bench.next().failure != nil)
        bench.device.setFault(nil)
        #expect(try await bench.next().failure == nil)
    }

    @Test func gasThatIsNotValidIsLeftOut() async throws {
        var bench = try Bench()
        bench.device.setFault(.coldHeater)
        let reading = try await bench.next()
        #expect(reading.failure == nil)
        #expect(reading.values.keys.sorted() == ["humidity", "pressure", "temperature"])
        #expect(reading.units.keys.sorted() == ["humidity", "pressure", "temperature"])
    }

    @Test func aRealSensorIsNotAskedMoreOftenThanItCanAnswer() async throws {
        var bench = try Bench()
        _ = bench.source.setInterval(.milliseconds(10))
        #expect(try await bench.next().delay == BME680Settings().measuringDuration)
    }
}
