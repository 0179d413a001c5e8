import FoundationEssentials

/// Spans of time and sizes as a doctor says them.
enum Spans {
    /// `3 d`, `5 h`, `12 min`, `7 s`, `0.4 s`.
    static func text(_ span: Duration) -> String {
        let seconds = span / .seconds(1)
        switch abs(seconds) {
        case ..<10: return "\((seconds * 10).rounded() / 10) s"
        case ..<120: return "\(Int(seconds)) s"
        case ..<7_200: return "\(Int(seconds / 60)) min"
        case ..<172_800: return "\(Int(seconds / 3_600)) h"
        default: return "\(Int(seconds / 86_400)) days"
        }
    }

    /// The span between two times.
    static func text(from start: Date, to end: Date) -> String {
        text(.seconds(end.timeIntervalSince(start)))
    }

    /// `12 MiB`.
    static func size(_ bytes: UInt64) -> String {
        switch bytes {
        case ..<(10 << 10): "\(bytes) B"
        case ..<(10 << 20): "\(bytes >> 10) KiB"
        case ..<(10 << 30): "\(bytes >> 20) MiB"
        default: "\(bytes >> 30) GiB"
        }
    }
}
