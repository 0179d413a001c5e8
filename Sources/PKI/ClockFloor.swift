public import FoundationEssentials
import Synchronization

/// The time for machines that may start with a wrong clock: never before the last time that was known.
///
/// A box without a battery wakes up in 1970, and every certificate is not yet valid. So the last known time is
/// kept in a small file, and the later of it (plus the time since the start) and the system clock counts
/// (semantics, section 7). A clock that is wrong is said, and stops nothing.
///
/// A system clock that was once far ahead leaves a floor that is too late; deleting the file forgets it.
public final class ClockFloor: Sendable {
    private struct State {
        var floor: Date
        /// When `floor` was the time, on a clock that only goes forward.
        var floorInstant: ContinuousClock.Instant
        var written: Date?
        var problem: String?
    }

    /// How often the file is written at most: once a minute.
    public static let writeInterval: TimeInterval = 60

    /// The file that keeps the time; nil keeps it in memory only.
    public let path: String?

    private let system: @Sendable () -> Date
    private let state: Mutex<State>

    /// Reads the last known time. Blocks.
    ///
    /// A file that cannot be read or used is no error: the system clock counts then, and ``problem`` says so.
    ///
    /// - Parameters:
    ///   - path: the file; nil to keep the time in memory only.
    ///   - system: the system clock.
    public init(path: String?, system: @escaping @Sendable () -> Date = { Date() }) {
        self.path = path
        self.system = system
        var floor = Date.distantPast
        var problem: String?
        if let path {
            do {
                if let bytes = try DurableFile.read(path) {
                    let text = String(decoding: bytes.prefix(40), as: UTF8.self)
                    if let seconds = Int64(text.prefix { $0.isNumber }), seconds > 0, seconds < 32_503_680_000
                    {
                        floor = Date(timeIntervalSince1970: TimeInterval(seconds))
                    } else {
                        problem = "\(path) holds no time; the system clock alone counts"
                    }
                }
            } catch {
                problem = error.description
            }
        }
        state = Mutex(
            State(
                floor: floor, floorInstant: .now, written: floor == .distantPast ? nil : floor,
                problem: problem))
    }

    /// The time: the later of the system clock and what is known. Does not block.
    public func now() -> Date {
        max(system(), known())
    }

    /// How far the system clock is behind what is known; nil where it is not behind by a minute or more.
    /// For the status, and for marking times as doubtful.
    public var systemClockBehind: Duration? {
        let behind = known().timeIntervalSince(system())
        return behind >= 60 && behind < 1e11 ? .seconds(behind) : nil
    }

    /// What is wrong with the file, where something is.
    public var problem: String? { state.withLock { $0.problem } }

    /// Takes note of a time from a source that is trusted (an authenticated server). Does not block.
    public func observe(_ time: Date) {
        let known = known()
        guard time > known else { return }
        state.withLock {
            $0.floor = time
            $0.floorInstant = .now
        }
    }

    /// Writes the time that is known now, where the last write is a minute or longer ago. Blocks.
    ///
    /// A file that cannot be written is no error; ``problem`` says so.
    public func persist() {
        guard let path else { return }
        let now = now()
        let due = state.withLock { state in
            if let written = state.written, now.timeIntervalSince(written) < Self.writeInterval {
                return false
            }
            state.written = now
            return true
        }
        guard due else { return }
        do {
            let seconds = Int64(now.timeIntervalSince1970)
            try DurableFile.write(Array("\(seconds)\n".utf8), to: path, mode: 0o644)
            state.withLock { $0.problem = nil }
        } catch {
            state.withLock { $0.problem = error.description }
        }
    }

    private func known() -> Date {
        let (floor, instant) = state.withLock { ($0.floor, $0.floorInstant) }
        guard floor != .distantPast else { return floor }
        let elapsed = instant.duration(to: .now)
        return floor.addingTimeInterval(TimeInterval(elapsed.components.seconds))
    }
}
