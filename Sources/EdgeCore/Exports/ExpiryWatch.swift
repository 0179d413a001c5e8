import StreamStore

/// Knows how old the messages of one database at least are, without believing any clock more than it deserves.
///
/// A message has expired when it is certain to have lain there for the time to live by the clock that only goes forward;
/// or when the wall clock says so and nothing speaks against it: neither its own receive time nor the clock now is
/// marked as doubtful, and the clock was not seen to jump while the message lay there. So a machine without a battery
/// clock loses nothing when its clock is set, and messages that such a machine received before wait for the time to live
/// to pass once more at most.
struct ExpiryWatch {
    /// By how much the wall clock and the one that only goes forward may differ between two looks.
    static let maximumDrift = Duration.seconds(60)
    /// Most marks of a stream: what expires by them does so by this fraction of the time to live late, at most.
    static let maximumMarks = 64

    private struct Mark {
        let time: Duration
        let newest: [Int64: UInt64]
    }

    /// Epochs up to this one were there when the process started.
    private let epochsBefore: Int64
    private let start: Duration
    private var last: (wall: Int64, time: Duration)
    private var marks: [String: [Mark]] = [:]

    /// Begins.
    ///
    /// - Parameters:
    ///   - time: By the clock that only goes forward.
    ///   - wall: Microseconds since 1970.
    ///   - epochsBefore: Row id of the newest epoch; 0 where everything there is was received by this process.
    init(time: Duration, wall: Int64, epochsBefore: Int64) {
        start = time
        last = (wall, time)
        self.epochsBefore = epochsBefore
    }

    /// Takes the clocks as they are for the comparison of the next look; to be called when what a jump asks for is on
    /// the disk.
    mutating func accept(time: Duration, wall: Int64) { last = (wall, time) }

    /// Whether the wall clock was set since ``accept(time:wall:)``.
    func hasJumped(time: Duration, wall: Int64) -> Bool {
        let drift = Duration.microseconds(wall &- last.wall) - (time - last.time)
        return drift > Self.maximumDrift || drift < .zero - Self.maximumDrift
    }

    /// Takes down what a stream holds now, where that is due.
    mutating func mark(_ stream: String, newest: [Int64: UInt64], timeToLive: Duration, time: Duration) {
        var list = marks[stream] ?? []
        if let last = list.last, time - last.time < timeToLive / Self.maximumMarks { return }
        list.append(Mark(time: time, newest: newest.filter { $0.key > epochsBefore }))
        // Of those that are old enough only the newest is needed.
        if let old = list.lastIndex(where: { time - $0.time >= timeToLive }) { list.removeFirst(old) }
        marks[stream] = list
    }

    /// Forgets streams that have no time to live any more.
    mutating func keep(_ streams: Set<String>) {
        marks = marks.filter { streams.contains($0.key) }
    }

    /// What of a stream is too old.
    func bounds(
        of stream: String, timeToLive: Duration, time: Duration, wall: Int64, isClockDoubtful: Bool
    ) -> ExpiryBounds {
        let old = marks[stream]?.last { time - $0.time >= timeToLive }
        let (seconds, attoseconds) = timeToLive.components
        return ExpiryBounds(
            before: isClockDoubtful ? nil : wall - seconds * 1_000_000 - attoseconds / 1_000_000_000_000,
            epochsThrough: time - start >= timeToLive ? epochsBefore : 0,
            sequencesThrough: old?.newest ?? [:])
    }
}
