import FoundationEssentials

/// All that a doctor found.
public struct DoctorReport: Hashable, Sendable {
    /// What was examined, such as `hedgerow-core`.
    public let program: String
    /// In the order in which one would repair.
    public let findings: [DoctorFinding]

    /// Makes a report.
    public init(program: String, findings: [DoctorFinding]) {
        self.program = program
        self.findings = findings
    }

    /// Whether no check failed.
    public var isHealthy: Bool { !findings.contains { $0.verdict == .failure } }

    /// What the program ends with: 0 where no check failed, 1 otherwise.
    public var exitCode: Int32 { isHealthy ? 0 : 1 }

    /// How many checks ended so.
    public func count(_ verdict: DoctorFinding.Verdict) -> Int {
        findings.count { $0.verdict == verdict }
    }

    /// A line for each check, and one that sums up.
    ///
    /// - Parameter coloured: whether verdicts are coloured as on a terminal.
    public func text(coloured: Bool = false) -> String {
        let width = findings.map(\.check.count).max() ?? 0
        let lines = findings.map { finding in
            let word = finding.verdict.rawValue
            let padding = String(repeating: " ", count: max(0, 4 - word.count))
            let check = finding.check + String(repeating: " ", count: width - finding.check.count)
            let advice = finding.advice.map { "; \($0)" } ?? ""
            let shown = coloured ? "\u{1B}[\(Self.colour(finding.verdict))m\(word)\u{1B}[0m" : word
            return "\(shown)\(padding)  \(check)  \(Self.printable(finding.message + advice))\n"
        }
        let counts = DoctorFinding.Verdict.allCases.compactMap { verdict in
            count(verdict) == 0 ? nil : "\(count(verdict)) \(verdict.rawValue)"
        }
        return lines.joined() + "\(program): \(counts.joined(separator: ", "))\n"
    }

    /// The report for programs, with a line end; docs/cli.md has the names.
    public func json() -> String {
        struct Document: Encodable {
            let program: String
            let healthy: Bool
            let counts: [String: Int]
            let checks: [DoctorFinding]
        }
        let counts = DoctorFinding.Verdict.allCases.map { ($0.rawValue, count($0)) }
        let document = Document(
            program: program, healthy: isHealthy, counts: Dictionary(uniqueKeysWithValues: counts),
            checks: findings)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        // Texts and numbers only: there is nothing that could not be encoded.
        return (try? encoder.encode(document)).map { String(decoding: $0, as: UTF8.self) + "\n" } ?? "{}\n"
    }

    private static func colour(_ verdict: DoctorFinding.Verdict) -> String {
        switch verdict {
        case .good: "32"
        case .warning: "33"
        case .failure: "31"
        case .skipped: "2"
        }
    }

    /// What a server said must not steer the terminal.
    private static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
    }
}
