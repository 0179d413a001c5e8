/// What became of a batch.
public struct TransformResult: Hashable, Sendable {
    /// What a `publish` step sent out.
    public struct Output: Hashable, Sendable {
        /// Index of the `publish` step among the transform's `publish` steps, from 0.
        public let index: Int
        /// The messages; topic set.
        public let batch: ReadingBatch
        /// The row of the input that each row of ``batch`` was made from, ascending.
        public let rows: [Int]

        /// Makes an output.
        public init(index: Int, batch: ReadingBatch, rows: [Int]) {
            self.index = index
            self.batch = batch
            self.rows = rows
        }
    }

    /// A message that a step failed on.
    public struct Failure: Hashable, Sendable {
        /// Row of the input.
        public let row: Int
        /// The cause, the same for the same fault: `step 2, set temperature (line 7): division by zero`.
        public let cause: String

        /// Makes a failure.
        public init(row: Int, cause: String) {
            self.row = row
            self.cause = cause
        }
    }

    /// Outputs by index, and by row within one. Several of one index where consecutive rows differ in their
    /// computed topic or in a field's type, or where the output is too large for one batch.
    public var outputs: [Output] = []
    /// Failures by row; at most one a row. What a row had published before it failed is in ``outputs``.
    public var failures: [Failure] = []
    /// How many rows published nothing and did not fail.
    public var filtered = 0

    /// An empty result.
    public init() {}
}
