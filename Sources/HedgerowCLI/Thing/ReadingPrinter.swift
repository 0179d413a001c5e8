import Foundation
import Synchronization
import ThingClient

/// Prints one line a reading, when its state is known or has not been known for a second.
final class ReadingPrinter: Sendable {
    private struct Line: Sendable {
        let text: String
        let published: ContinuousClock.Instant
    }

    /// How long a line waits for its acknowledgement before it is printed as buffered.
    private static let patience: Duration = .seconds(1)

    private let output: LineWriter
    private struct State: Sendable {
        var lines: [UInt64: Line] = [:]
        /// Refusals that were told before their line was known; a few at most.
        var early: [(sequences: ClosedRange<UInt64>, state: String)] = []
    }

    private static let mostEarly = 100
    private let waiting = Mutex(State())

    init(output: LineWriter) {
        self.output = output
    }

    /// A reading was published; with sequence 0 it is on its way or gone.
    func published(_ text: String, sequence: UInt64) {
        if sequence == 0 {
            output.write("\(text)  sent")
            return
        }
        let early = waiting.withLock { state -> String? in
            if let early = state.early.first(where: { $0.sequences.contains(sequence) }) {
                return early.state
            }
            state.lines[sequence] = Line(text: text, published: .now)
            return nil
        }
        if let early { print([text], early) }
    }

    /// These sequences are acknowledged. A line that comes later than that is printed by
    /// ``flush(acknowledgedThrough:all:)``.
    func acknowledged(_ sequences: ClosedRange<UInt64>) {
        print(take(sequences), "acknowledged")
    }

    /// These sequences were refused for ever.
    func rejected(_ sequences: ClosedRange<UInt64>, reason: String) {
        let state = "rejected (\(reason))"
        waiting.withLock { waiting in
            if waiting.early.count >= Self.mostEarly { waiting.early.removeFirst() }
            waiting.early.append((sequences, state))
        }
        print(take(sequences), state)
    }

    private func take(_ sequences: ClosedRange<UInt64>) -> [String] {
        waiting.withLock { state in
            let found = state.lines.keys.filter(sequences.contains).sorted()
            return found.compactMap { state.lines.removeValue(forKey: $0)?.text }
        }
    }

    /// Prints what was waited for long enough; called a few times a second.
    func flush(acknowledgedThrough acknowledged: UInt64, all: Bool = false) {
        let now = ContinuousClock.now
        let (done, late) = waiting.withLock { state -> ([String], [String]) in
            var done: [String] = []
            var late: [String] = []
            for sequence in state.lines.keys.sorted() {
                guard let line = state.lines[sequence] else { continue }
                if sequence <= acknowledged {
                    done.append(line.text)
                } else if all || now - line.published > Self.patience {
                    late.append(line.text)
                } else {
                    continue
                }
                state.lines.removeValue(forKey: sequence)
            }
            return (done, late)
        }
        print(done, "acknowledged")
        print(late, "buffered")
    }

    private func print(_ lines: [String], _ state: String) {
        for line in lines { output.write("\(line)  \(state)") }
    }

    /// Time, topic, and values with units or why there are none.
    static func text(of reading: SourcedReading, topic: String, at now: Date) -> String {
        let time = reading.time ?? now
        switch reading.content {
        case .values(let values, let units):
            return text(time: time, topic: topic, values: values, units: units)
        case .failure(let reason):
            let stamp = time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
            return "\(stamp)  \(topic)  failed: \(reason)"
        }
    }

    /// Time, topic, values with units.
    static func text(time: Date, topic: String, values: [String: ReadingValue], units: [String: String])
        -> String
    {
        let stamp = time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        let fields = values.sorted { $0.key < $1.key }.map { name, value in
            "\(name) \(value)" + (units[name].map { " \($0)" } ?? "")
        }
        return "\(stamp)  \(topic)  \(fields.joined(separator: "  "))"
    }
}
