import Foundation
import Synchronization

@testable import Cloud

/// A time of day that a test moves forward; waits are real.
final class TestTime: Sendable {
    private let offset = Mutex<TimeInterval>(0)

    init() {}

    var now: Date { Date().addingTimeInterval(offset.withLock { $0 }) }

    func advance(by duration: Duration) { offset.withLock { $0 += duration.seconds } }

    var source: TimeSource {
        TimeSource(now: { self.now }, sleep: { try await ContinuousClock().sleep(for: $0) })
    }
}
