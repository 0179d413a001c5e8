import Testing

@testable import EdgeCore

@Suite("The clocks that expiry looks at") struct ExpiryWatchTests {
    @Test("a jump is seen until what it asks for is done") func aJumpIsNotForgotten() {
        var watch = ExpiryWatch(time: .zero, wall: 0, epochsBefore: 0)
        let (time, wall) = (Duration.seconds(10), Int64(3_600_000_000))
        #expect(watch.hasJumped(time: time, wall: wall))
        // It could not be written down: the next look sees it again.
        #expect(watch.hasJumped(time: time + .seconds(10), wall: wall + 10_000_000))
        watch.accept(time: time + .seconds(10), wall: wall + 10_000_000)
        #expect(!watch.hasJumped(time: time + .seconds(20), wall: wall + 20_000_000))
    }
}
