/// What one check of a doctor found.
public struct DoctorFinding: Hashable, Sendable, Codable {
    /// How bad it is.
    public enum Verdict: String, CaseIterable, Hashable, Sendable, Codable {
        /// As it should be.
        case good = "OK"
        /// It works, but will not for ever, or not everywhere.
        case warning = "WARN"
        /// It does not work.
        case failure = "FAIL"
        /// Not looked at: there is nothing to look at, or something else has to work first.
        case skipped = "SKIP"
    }

    /// The check, stable: `disk.space`.
    public let check: String
    /// How bad it is.
    public let verdict: Verdict
    /// What was found, one sentence without a full stop.
    public let message: String
    /// What to do; nil where nothing is to be done.
    public let advice: String?

    /// Makes a finding.
    public init(_ check: String, _ verdict: Verdict, _ message: String, advice: String? = nil) {
        self.check = check
        self.verdict = verdict
        self.message = message
        self.advice = advice
    }

    /// As it should be.
    public static func good(_ check: String, _ message: String) -> DoctorFinding {
        DoctorFinding(check, .good, message)
    }

    /// It works, but.
    public static func warning(_ check: String, _ message: String, advice: String) -> DoctorFinding {
        DoctorFinding(check, .warning, message, advice: advice)
    }

    /// It does not work.
    public static func failure(_ check: String, _ message: String, advice: String) -> DoctorFinding {
        DoctorFinding(check, .failure, message, advice: advice)
    }

    /// Not looked at.
    public static func skipped(_ check: String, _ message: String) -> DoctorFinding {
        DoctorFinding(check, .skipped, message)
    }

    private enum CodingKeys: String, CodingKey {
        case check, verdict, message, advice
    }

    /// Writes every name, null where there is no advice.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(check, forKey: .check)
        try container.encode(verdict, forKey: .verdict)
        try container.encode(message, forKey: .message)
        try container.encode(advice, forKey: .advice)
    }
}
