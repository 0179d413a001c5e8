import HedgerowAPI
import SwiftProtobuf

/// Requests with one publication each, whose batch was encoded once: only the sequence differs.
///
/// A reading has four numbers, as a BME680 gives them.
struct BatchTemplate: Sendable {
    /// Readings in each request.
    let readings: Int
    private let batch: [UInt8]

    /// - Parameter base: sample time of the first reading, seconds since 1970.
    init(topic: String, readings: Int, base: Int64) throws {
        self.readings = readings
        var batch = Hedgerow_Type_V1_Batch()
        batch.topic = topic
        batch.baseTime.seconds = base
        batch.timeOffsetsUs = (0..<readings).map { Int64($0) * 10_000 }
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

    /// Bytes of a request, about.
    var size: Int { batch.count + 16 }

    /// The request whose first reading has a sequence.
    func request(sequence: UInt64) -> [UInt8] {
        var publication: [UInt8] = [0x08]  // sequence
        Self.append(sequence, to: &publication)
        publication.append(0x12)  // batch
        Self.append(UInt64(batch.count), to: &publication)
        var request: [UInt8] = []
        request.reserveCapacity(batch.count + 32)
        request.append(0x12)  // publications
        Self.append(UInt64(publication.count + batch.count), to: &request)
        request.append(contentsOf: publication)
        request.append(contentsOf: batch)
        return request
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
