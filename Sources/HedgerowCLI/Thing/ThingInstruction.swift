import Foundation
import ThingClient

/// What a command tells a running thing to do.
enum ThingInstruction: Hashable, Sendable {
    case interval(Duration)
    case pause
    case resume
    case identify
    /// Not understood; the text says why.
    case unknown(String)

    /// The intervals that are accepted, in seconds.
    static let intervals = 0.01...86_400.0

    /// Reads a command: the values of a reading, or a JSON object or string. One message may say several things.
    static func read(_ message: ReceivedMessage) -> [ThingInstruction] {
        switch message.content {
        case .reading(let values, _): read(values: values)
        case .payload(let bytes, _): read(payload: Data(bytes))
        }
    }

    static func read(values: [String: ReadingValue]) -> [ThingInstruction] {
        values.sorted { $0.key < $1.key }.map { read($0.key, $0.value) }
    }

    static func read(payload: Data) -> [ThingInstruction] {
        let decoder = JSONDecoder()
        if let object = try? decoder.decode([String: Scalar].self, from: payload) {
            return read(values: object.mapValues(\.value))
        }
        if let word = try? decoder.decode(String.self, from: payload) { return [read(word, .bool(true))] }
        if let word = String(data: payload, encoding: .utf8), payload.count <= 64 {
            return [read(word.trimmingCharacters(in: .whitespacesAndNewlines), .bool(true))]
        }
        return [.unknown("neither a JSON object nor a reading")]
    }

    private static func read(_ name: String, _ value: ReadingValue) -> ThingInstruction {
        switch name {
        case "interval":
            guard let seconds = value.number ?? Double(value.description), intervals.contains(seconds) else {
                return .unknown("interval is a number of seconds from 0.01 to 86400, not \(value)")
            }
            return .interval(.seconds(seconds))
        // {"pause": false} means the same as {"resume": true}.
        case "pause": return isTrue(value) ? .pause : .resume
        case "resume": return isTrue(value) ? .resume : .pause
        case "identify": return .identify
        case "command": return read(value.description, .bool(true))
        default: return .unknown("\"\(name.prefix(40))\" is none of interval, pause, resume, identify")
        }
    }

    private static func isTrue(_ value: ReadingValue) -> Bool {
        switch value {
        case .bool(let truth): truth
        case .integer(let number): number != 0
        case .double(let number): number != 0
        case .string(let text): text != "false"
        }
    }

    /// A JSON value that is neither an object nor a list.
    private struct Scalar: Decodable {
        let value: ReadingValue

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let truth = try? container.decode(Bool.self) {
                value = .bool(truth)
            } else if let number = try? container.decode(Double.self) {
                value = .double(number)
            } else {
                value = .string(try container.decode(String.self))
            }
        }
    }
}
