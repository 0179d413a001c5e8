/// The memory of a frame: a program's code and its two banks of registers, each in one piece.
// Sendable: as with an array's storage, only a Frame that holds it alone changes it; shared, it is copied first.
final class FrameMemory: @unchecked Sendable {
    let program: Program
    let registers: Registers

    /// Memory at the start of a program: every slot absent.
    init(_ program: Program) {
        self.program = program
        let types = program.slotTypes
        registers = Registers(
            code: Self.copy(program.code), codeCount: program.code.count, words: Self.copy(program.words),
            values: Self.copy(program.values), tags: Self.copy(types.map { _ in Frame.absent }),
            kinds: Self.copy(types.map(Frame.Kind.init)),
            caught: Self.copy(Array(repeating: nil, count: program.handlers.count)), slotCount: types.count,
            maximumCost: program.maximumCost, baseCost: program.baseCost, identity: ObjectIdentifier(program))
    }

    /// A copy with the same contents.
    convenience init(copying other: FrameMemory) {
        self.init(other.program)
        registers.words.update(from: other.registers.words, count: program.words.count)
        registers.values.update(from: other.registers.values, count: program.values.count)
        registers.tags.update(from: other.registers.tags, count: registers.slotCount)
    }

    deinit {
        registers.code.deallocate()
        registers.words.deallocate()
        registers.values.deinitialize(count: program.values.count)
        registers.values.deallocate()
        registers.tags.deallocate()
        registers.kinds.deallocate()
        registers.caught.deinitialize(count: program.handlers.count)
        registers.caught.deallocate()
    }

    private static func copy<Element>(_ elements: [Element]) -> UnsafeMutablePointer<Element> {
        let pointer = UnsafeMutablePointer<Element>.allocate(capacity: max(elements.count, 1))
        elements.withUnsafeBufferPointer { buffer in
            if let base = buffer.baseAddress { pointer.initialize(from: base, count: buffer.count) }
        }
        return pointer
    }
}
