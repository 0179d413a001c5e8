/// Counts the cases of one set and says which failed.
public struct VectorReport {
    /// What a case should give and gave.
    public struct Outcome {
        let expected: String
        let got: String

        /// Makes an outcome; equal texts pass.
        public init(expected: String, got: String) {
            self.expected = expected
            self.got = got
        }
    }

    /// Failures that are not expected, and passes that are not.
    public private(set) var unexpected: [String] = []
    private let name: String
    private let expectedFailures: [String: String]
    private var passed = 0
    private var total = 0

    /// Begins a report; expected failures by id, each with its reason.
    public init(name: String, expectedFailures: [String: String]) {
        self.name = name
        self.expectedFailures = expectedFailures
    }

    /// Records a case.
    public mutating func record(_ id: String, _ outcome: Outcome) {
        total += 1
        let holds = outcome.expected == outcome.got
        if holds { passed += 1 }
        switch (holds, expectedFailures[id]) {
        case (true, nil), (false, .some): break
        case (false, nil): unexpected.append("\(id): expected \(outcome.expected), got \(outcome.got)")
        case (true, .some(let reason)):
            unexpected.append("\(id): passes, but is listed as failing (\(reason))")
        }
    }

    /// Share of the cases that pass.
    public var passRate: Double { total == 0 ? 0 : Double(passed) / Double(total) }

    /// All that was unexpected.
    public var summary: String { unexpected.joined(separator: "\n") }

    /// Prints `vectors NAME: P of N`.
    public func finish() { print("vectors \(name): \(passed) of \(total)") }
}
