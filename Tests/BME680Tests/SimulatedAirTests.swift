import TestSupport
import Testing

@testable import BME680

@Suite("Simulated air")
struct SimulatedAirTests {
    /// 2026-03-01T12:00:00Z.
    private let noon = 1_772_366_400.0

    @Test func theSameSeedAndTimeGiveTheSameAirInAnyOrder() {
        let air = SimulatedAir(seed: 7)
        let times = (0..<500).map { noon + Double($0) * 0.37 }
        let forwards = times.map(air.atSensor)
        let backwards = times.reversed().map(SimulatedAir(seed: 7).atSensor)
        #expect(forwards == backwards.reversed())
        #expect(times.map(SimulatedAir(seed: 8).atSensor) != forwards)
    }

    @Test(arguments: [1, 2, 3, 42] as [UInt64])
    func theRoomIsPlausibleAndADayHasACourse(seed: UInt64) {
        let air = SimulatedAir(seed: seed)
        let day = (0..<1_440).map { air.room(at: noon + Double($0) * 60) }
        #expect(day.allSatisfy { (10.0...32.0).contains($0.temperature) })
        #expect(day.allSatisfy { (980.0...1_045.0).contains($0.pressure) })
        #expect(day.allSatisfy { (20.0...90.0).contains($0.humidity) })
        #expect(day.allSatisfy { (30_000.0...250_000.0).contains($0.gasResistance) })
        let temperatures = day.map(\.temperature)
        #expect((temperatures.max() ?? 0) - (temperatures.min() ?? 0) > 3)
    }

    @Test(arguments: [1, 2, 3, 680] as [UInt64])
    func theProcessorWarmsTheSensorAndTheCorrectionTakesItOut(seed: UInt64) {
        let air = SimulatedAir(seed: seed)
        var worst = 0.0
        var processor: [Double] = []
        for second in 0..<3_600 {
            let time = noon + Double(second)
            processor.append(air.processorTemperature(at: time))
            guard second >= 8 else { continue }
            let mean = processor.suffix(8).reduce(0, +) / 8
            let sensor = air.atSensor(at: time).temperature
            let room = air.room(at: time).temperature
            #expect(sensor - room > 8, "the sensor is far too warm")
            worst = max(worst, abs(2 * sensor - mean - room))
        }
        #expect(worst < 2.5, "2·T − mean CPU temperature is the room's temperature, to \(worst) °C")
        #expect(processor.allSatisfy { (45.0...60.0).contains($0) })
        let spread = (processor.max() ?? 0) - (processor.min() ?? 0)
        #expect(spread > 6, "the load varies")
    }

    @Test func theAirAtTheSensorIsDrierThanTheRooms() {
        let air = SimulatedAir(seed: 5)
        for minute in 0..<60 {
            let time = noon + Double(minute) * 60
            #expect(air.atSensor(at: time).humidity < air.room(at: time).humidity)
            #expect(air.atSensor(at: time).humidity > 3)
        }
    }

    @Test(arguments: [-Double.infinity, -1e300, 0, 1e300, .infinity, .nan])
    func anyTimeGivesAir(time: Double) {
        let air = SimulatedAir(seed: 1)
        #expect(air.atSensor(at: time).temperature.isFinite)
        #expect((40.0...65.0).contains(air.processorTemperature(at: time)))
    }
}
