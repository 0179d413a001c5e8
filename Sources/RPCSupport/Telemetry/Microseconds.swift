public import SwiftProtobuf

/// Instants as whole microseconds since 1970-01-01T00:00:00Z: the resolution of sample times.
public enum Microseconds {
    /// The earliest instant that protobuf's Timestamp allows, year 1.
    public static let minimum: Int64 = -62_135_596_800_000_000
    /// The latest, the end of year 9999.
    public static let maximum: Int64 = 253_402_300_799_999_999

    /// The instant of a timestamp, rounded down; nil outside years 1 to 9999.
    public static func of(_ timestamp: Google_Protobuf_Timestamp) -> Int64? {
        guard timestamp.nanos >= 0, timestamp.nanos < 1_000_000_000 else { return nil }
        let (scaled, overflow) = timestamp.seconds.multipliedReportingOverflow(by: 1_000_000)
        guard !overflow else { return nil }
        let (sum, overflowed) = scaled.addingReportingOverflow(Int64(timestamp.nanos) / 1_000)
        guard !overflowed, (minimum...maximum).contains(sum) else { return nil }
        return sum
    }

    /// The timestamp of an instant.
    public static func timestamp(_ microseconds: Int64) -> Google_Protobuf_Timestamp {
        let (seconds, rest) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        var timestamp = Google_Protobuf_Timestamp()
        timestamp.seconds = rest < 0 ? seconds - 1 : seconds
        timestamp.nanos = Int32((rest < 0 ? rest + 1_000_000 : rest) * 1_000)
        return timestamp
    }
}
