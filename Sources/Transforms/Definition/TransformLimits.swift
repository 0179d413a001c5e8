import Messaging

/// Limits of transforms (docs/transforms.md lists them).
public enum TransformLimits {
    /// Most steps of a transform.
    public static let steps = 64
    /// Most `publish` steps of a transform.
    public static let publishes = 16
    /// Most `shadow` steps of a transform.
    public static let shadowSteps = 16
    /// Most bytes that one reading changes in a shadow, by one step: what a shadow on a core has at most.
    public static let shadowBytes = 30_720
    /// Most names that `let` steps of a transform bind.
    public static let bindings = 256
    /// Most fields of a reading, declared, set or published: 256 (semantics, section 8).
    public static let fields = MessageLimits.standard.maximumFields
    /// Most bytes of a field's name: 128.
    public static let fieldNameBytes = MessageLimits.standard.maximumFieldNameBytes
    /// Most bytes of one text value: 64 KiB.
    public static let textBytes = MessageLimits.standard.maximumTextBytes
    /// Most bytes of a unit: 64.
    public static let unitBytes = MessageLimits.standard.maximumUnitBytes
    /// Most bytes of one published batch: 1 MiB. Larger output is split into several batches; a reading that is
    /// larger by itself fails.
    public static let batchBytes = MessageLimits.standard.maximumBatchBytes
    /// Most work on one batch, in the units of expressions, all steps and rows together: a unit is a byte or
    /// element that a function reads or makes, and at least one an evaluation. Rows beyond it fail. So one batch
    /// takes seconds at the most, where rows alone would bound nothing.
    public static let batchCost = 4_194_304
    /// Most bytes that the texts made of one batch may have together. Rows beyond it fail.
    public static let madeTextBytes = 8 << 20
    /// Most bytes that may be published of one batch, all `publish` steps together. Rows beyond it fail.
    public static let publishedBytes = 16 << 20
    /// Most problems that are reported at once.
    public static let problems = 100
    /// Most bytes of a failure's cause; longer ones are cut.
    public static let causeBytes = 256
    /// Shortest and longest span of `cpuTemperature(duration)`.
    public static let cpuTemperatureSpan = Duration.seconds(1)...Duration.seconds(600)
}
