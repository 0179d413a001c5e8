import Foundation
import Synchronization

/// What happens in a soak, with the time since its beginning: printed as it happens, and kept in a file.
final class SoakNotes: Sendable {
    private let start = ContinuousClock.now
    private let lines = Mutex<[String]>([])

    var elapsed: Duration { start.duration(to: .now) }

    func add(_ text: String) {
        let (seconds, fraction) = elapsed.components
        let line = "soak \(seconds).\(fraction / 100_000_000_000_000_000) s: \(text)"
        lines.withLock { $0.append(line) }
        print(line)
        fflush(nil)
    }

    func write(to path: String) throws {
        let text = lines.withLock { $0.joined(separator: "\n") + "\n" }
        try text.write(toFile: path, atomically: false, encoding: .utf8)
    }
}
