import Testing

@testable import EdgeCore

@Suite struct RequestPaceTests {
    @Test func itGrowsWhereAcknowledgementsComeSoonUpToItsBound() {
        var pace = RequestPace()
        #expect(pace.requestBytes == 64 << 10)
        #expect(pace.inFlightBytes == 128 << 10)
        for _ in 0..<10 { pace.acknowledged(after: .milliseconds(5)) }
        #expect(pace.requestBytes == 512 << 10)
        #expect(pace.inFlightBytes == 8 << 20)
    }

    @Test func itStaysWhereTheyTakeAWhileAndShrinksWhereTheyAreLate() {
        var pace = RequestPace()
        pace.acknowledged(after: .seconds(1))
        #expect(pace.requestBytes == 128 << 10)
        pace.acknowledged(after: .seconds(3))
        #expect(pace.requestBytes == 128 << 10)
        for _ in 0..<3 { pace.acknowledged(after: .seconds(5)) }
        #expect(pace.requestBytes == 64 << 10)
    }

    /// At 15 kB/s what is under way is through before a ping behind it is late (10 s).
    @Test func onASlowLineAPingIsAnsweredInTime() {
        let bytesPerSecond = 15_000.0
        var pace = RequestPace()
        for _ in 0..<20 {
            pace.acknowledged(after: .seconds(Double(pace.inFlightBytes) / bytesPerSecond))
            #expect(Double(pace.inFlightBytes) / bytesPerSecond < 10)
        }
    }
}
