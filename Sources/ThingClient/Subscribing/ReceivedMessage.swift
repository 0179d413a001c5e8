public import FoundationEssentials
import HedgerowAPI
import SwiftProtobuf

/// A message that came down to the thing.
public struct ReceivedMessage: Sendable, CustomStringConvertible {
    /// What it says.
    public enum Content: Hashable, Sendable {
        /// Named values.
        case reading([String: ReadingValue], units: [String: String])
        /// Opaque bytes with their media type.
        case payload([UInt8], contentType: String)
    }

    /// The topic.
    public let topic: String
    /// When it was made; nil where nobody said.
    public let time: Date?
    /// What it says.
    public let content: Content
    /// Name of who published it: an operator, an app, or a thing.
    public let publisher: String

    /// The values, empty for opaque bytes.
    public var values: [String: ReadingValue] {
        if case .reading(let values, _) = content { values } else { [:] }
    }

    /// The bytes as text; nil for a reading and for bytes that are no UTF-8.
    public var text: String? {
        guard case .payload(let bytes, _) = content else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    /// The topic and what it says, on one line.
    public var description: String {
        switch content {
        case .reading(let values, let units):
            let list = values.sorted { $0.key < $1.key }.map { name, value in
                "\(name)=\(value)" + (units[name].map { " \($0)" } ?? "")
            }
            return topic + " " + list.joined(separator: " ")
        case .payload(let bytes, let type):
            return topic + " " + (text ?? "\(bytes.count) bytes of \(type)")
        }
    }

    init?(_ record: Hedgerow_Type_V1_Record) {
        let message = record.message
        switch message.content {
        case .reading(let reading):
            content = .reading(reading.values.compactMapValues { ReadingValue($0) }, units: reading.units)
        case .payload(let payload):
            content = .payload(Array(payload.data), contentType: payload.contentType)
        case nil: return nil
        }
        topic = message.topic
        time =
            message.hasTime
            ? Date(
                timeIntervalSince1970: Double(message.time.seconds) + Double(message.time.nanos)
                    / 1_000_000_000)
            : nil
        publisher = record.origin.thing
    }
}
