/// A compiled transform: immutable, shareable, and without state, so that the same batch gives the same
/// result (but for what the host answers).
public struct Transform: Sendable {
    /// What it was made of.
    public let definition: TransformDefinition
    /// What it may ask the host for.
    public let access: HostAccess
    /// What it may do with the shadows of the thing of its message; nil for nothing.
    public let shadows: ShadowAccess?
    /// What it sends out: one entry a `publish` step, in their order.
    public let outputs: [TransformOutputDeclaration]
    /// What is odd and may well be meant: an access or a name that nothing uses, steps after the last
    /// `publish` or `shadow`.
    public let warnings: [TransformProblem]
    /// Variables that an instance should have: expressions read them, and none asks whether they are there.
    public let neededEnvironment: [String]
    /// The steps up to the last `publish` or `shadow`.
    let steps: [CompiledStep]
    /// The recipe's configuration and no environment.
    let defaults: TransformSettings

    /// Checks and compiles a definition.
    ///
    /// - Throws: ``TransformErrors`` with everything that is wrong.
    public init(
        _ definition: TransformDefinition, access: HostAccess = [], shadows: ShadowAccess? = nil
    ) throws(TransformErrors) {
        var compiler = TransformCompiler(definition, access: access, shadows: shadows)
        compiler.run()
        if !compiler.problems.isEmpty { throw TransformErrors(problems: compiler.problems) }
        self.definition = definition
        self.access = access
        self.shadows = shadows
        self.outputs = compiler.outputs
        self.warnings = compiler.warnings
        self.neededEnvironment = compiler.neededEnvironment
        self.defaults = TransformSettings(configuration: definition.configuration)
        self.steps = Array(compiler.steps.prefix((compiler.lastEffect ?? -1) + 1))
    }

    /// Processes a batch. It never throws and never stops: what fails, fails row by row.
    ///
    /// Rows do not see each other: processing a batch gives the same as processing its rows one by one. The
    /// host is asked at most once a batch for the same thing.
    ///
    /// - Parameter settings: configuration and environment of the instance; nil stands for the recipe's configuration
    ///   and no environment.
    public func process(
        _ batch: ReadingBatch, host: some TransformHost, settings: TransformSettings? = nil
    ) -> TransformResult {
        var run = TransformRun(batch, transform: self, settings: settings ?? defaults, host: host)
        run.run()
        return run.result
    }
}
