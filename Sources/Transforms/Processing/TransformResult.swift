public import Expressions

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

    /// What `shadow` steps do to a shadow of the batch's thing: one update that comes to the same as those of ``rows``, one
    /// after the other. Where that takes several, they are in their order.
    public struct ShadowUpdate: Hashable, Sendable {
        /// Name of the shadow; empty for the classic one.
        public let name: String
        /// What goes under `reported`, by key; empty for nothing. Values are those of JSON: null, which removes the key,
        /// bool, int, finite double, string, lists without null, and maps with texts for keys, which are merged.
        public let reported: [String: Value]
        /// The same for `desired`.
        public let desired: [String: Value]
        /// Rows of the input whose updates it has, ascending.
        public let rows: [Int]

        /// Makes an update.
        public init(name: String, reported: [String: Value], desired: [String: Value] = [:], rows: [Int]) {
            self.name = name
            self.reported = reported
            self.desired = desired
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
    /// Updates of shadows; those of one shadow in their order.
    public var shadows: [ShadowUpdate] = []
    /// Failures by row; at most one a row. What a row had published or reported before it failed is in ``outputs`` and
    /// ``shadows``.
    public var failures: [Failure] = []
    /// How many rows published and reported nothing and did not fail.
    public var filtered = 0

    /// An empty result.
    public init() {}
}
