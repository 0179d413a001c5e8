import HedgerowAPI
import SwiftProtobuf

/// Requests with one publication each, whose batch was encoded once: only sequence and time differ.
///
/// A reading has four numbers, as a BME680 gives them, and is sampled ``interval`` after the one before.
struct BatchTemplate: Sendable {
    /// Time between two readings, microseconds.
    static let interval: UInt64 = 10

    /// Readings in each request.
    let readings: Int
    /// Seconds since 1970 at which sequence 0 would have been sampled.
    private let base: UInt64
    /// Everything of the batch but its base time.
    private let batch: [UInt8]

    /// - Parameter base: seconds since 1970 at which sequence 0 would have been sampled.
    init(topic: String, readings: Int, base: UInt64) throws {
        self.readings = readings
        self.base = base
        var batch = Hedgerow_Type_V1_Batch()
        batch.topic = topic
        batch.timeOffsetsUs = (0..<readings).map { Int64($0) * Int64(Self.interval) }
        let fields = [
            ("temperature", "°C", 21.375), ("humidity", "%RH", 48.25), ("pressure", "hPa", 1_013.25),
            ("gas_resistance", "Ω", 120_034.5),
        ]
        batch.readings.columns = fields.map { name, unit, value in
            .with {
                $0.name = name
                $0.unit = unit
                $0.doubleValues = (0..<readings).map { value + Double($0 % 100) / 64 }
            }
        }
        let encoded: [UInt8] = try batch.serializedBytes()
        self.batch = encoded
    }

    /// The request whose first reading has a sequence.
    func request(sequence: UInt64) -> [UInt8] {
        let time = sequence * Self.interval
        var baseTime: [UInt8] = []
        Self.append(field: 1, base + time / 1_000_000, to: &baseTime)  // seconds
        Self.append(field: 2, time % 1_000_000 * 1_000, to: &baseTime)  // nanos
        var publication: [UInt8] = []
        Self.append(field: 1, sequence, to: &publication)
        Self.append(header: 2, length: batch.count + baseTime.count + 2, to: &publication)  // batch
        var request: [UInt8] = []
        request.reserveCapacity(batch.count + 64)
        let length = publication.count + batch.count + baseTime.count + 2
        Self.append(header: 2, length: length, to: &request)  // publications
        request.append(contentsOf: publication)
        request.append(contentsOf: batch)
        // The last field of the batch, base_time.
        Self.append(header: 2, length: baseTime.count, to: &request)
        request.append(contentsOf: baseTime)
        return request
    }

    private static func append(field: UInt8, _ value: UInt64, to bytes: inout [UInt8]) {
        bytes.append(field << 3)
        append(value, to: &bytes)
    }

    private static func append(header field: UInt8, length: Int, to bytes: inout [UInt8]) {
        bytes.append(field << 3 | 2)
        append(UInt64(length), to: &bytes)
    }

    private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }
}
