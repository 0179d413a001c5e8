/// One step of a program, eight bytes.
struct Instruction {
    let opcode: Opcode
    var a: UInt16
    var b: UInt16
    var c: UInt16
}
