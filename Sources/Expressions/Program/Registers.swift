/// Where a frame's memory is: plain pointers, so that the machine works without reference counts. They are
/// valid while the ``FrameMemory`` that they are of lives.
struct Registers {
    let code: UnsafeMutablePointer<Instruction>
    let codeCount: Int
    /// The unboxed bank: slots, constants, working registers.
    let words: UnsafeMutablePointer<UInt64>
    /// The boxed bank, in the same order.
    let values: UnsafeMutablePointer<Value>
    /// Whether each slot has a value.
    let tags: UnsafeMutablePointer<UInt8>
    /// What each slot takes.
    let kinds: UnsafeMutablePointer<Frame.Kind>
    /// Errors caught by handlers, by number.
    let caught: UnsafeMutablePointer<EvaluationError?>
    let slotCount: Int
    let maximumCost: Int
    /// What an evaluation takes of a budget whatever it does.
    let baseCost: Int
    /// The program that the registers are of.
    let identity: ObjectIdentifier
}
