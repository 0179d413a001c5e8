import Foundation
import Testing

@testable import ThingClient

@Suite("Simulated air")
struct SimulatedSourceTests {
    private func day(seed: UInt64) async throws -> [[String: ReadingValue]] {
        var source = SimulatedSource(seed: seed, interval: .seconds(60))
        var result: [[String: ReadingValue]] = []
        for minute in 0..<1_440 {
            let next = try await source.next(after: noon.addingTimeInterval(Double(minute) * 60))
            let reading = try #require(next)
            #expect(reading.delay == .seconds(60))
            result.append(reading.values)
        }
        return result
    }

    @Test func theSameSeedGivesTheSameAir() async throws {
        let one = try await day(seed: 7)
        #expect(try await day(seed: 7) == one)
        #expect(try await day(seed: 8) != one)
    }

    @Test(arguments: [1, 2, 3, 42] as [UInt64])
    func theAirIsPlausibleAndVaries(seed: UInt64) async throws {
        let readings = try await day(seed: seed)
        for (name, range) in [
            ("temperature", 10.0...32.0), ("pressure", 980.0...1_045.0), ("humidity", 20.0...90.0),
        ] {
            let numbers = readings.compactMap { $0[name]?.number }
            #expect(numbers.count == readings.count)
            #expect(numbers.allSatisfy(range.contains), "\(name)")
            #expect(Set(numbers).count > 100, "\(name) varies")
        }
        let temperatures = readings.compactMap { $0["temperature"]?.number }
        let spread = (temperatures.max() ?? 0) - (temperatures.min() ?? 0)
        #expect(spread > 3, "a day has a course")
    }

    @Test func theIntervalCanBeChangedDownToTenMilliseconds() async throws {
        var source = SimulatedSource(seed: 1)
        let accepted = source.setInterval(.milliseconds(1))
        #expect(accepted)
        let fast = try await source.next(after: noon)
        #expect(fast?.delay == .milliseconds(10))
        _ = source.setInterval(.seconds(5))
        let slow = try await source.next(after: noon)
        #expect(slow?.delay == .seconds(5))
        #expect(slow?.units == ["temperature": "°C", "pressure": "hPa", "humidity": "%RH"])
    }
}
