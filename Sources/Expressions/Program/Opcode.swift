/// What an instruction does. `w` is the bank of unboxed words (integers, doubles, bools as 64 bits), `v` the
/// bank of boxed values; `a`, `b`, `c` are the instruction's operands, mostly register numbers, `c` the target.
enum Opcode: UInt8 {
    // Arithmetic of integers, checked for overflow.
    case addInt, subtractInt, multiplyInt, divideInt, remainderInt, negateInt
    case addUint, subtractUint, multiplyUint, divideUint, remainderUint
    // Arithmetic of doubles.
    case addDouble, subtractDouble, multiplyDouble, divideDouble, negateDouble
    case absoluteDouble, rootDouble, floorDouble, ceilDouble, roundDouble, truncateDouble
    case intToDouble, uintToDouble
    // Comparisons; greater is less with the operands exchanged. Words: int, uint and bool.
    case equalWord, unequalWord, equalDouble, unequalDouble
    case lessInt, lessOrEqualInt, lessUint, lessOrEqualUint, lessDouble, lessOrEqualDouble
    /// `v[a] == v[b]`, and its contrary, to a word.
    case equalValue, unequalValue
    case not
    // Moves between registers of one bank, and between banks.
    case moveWord, moveValue
    case boxInt, boxUint, boxDouble, boxBool
    case unboxInt, unboxUint, unboxDouble, unboxBool
    // Slots: fails where slot `a` has no value; sets whether it has one.
    case requireSlot, slotPresence
    // Control: to `c`, always or where word `a` is false or true.
    case jump, jumpIfFalse, jumpIfTrue
    /// Fails with the program's error `a`.
    case fail
    /// The end of `&&` and `||`: `a` the right operand, `b` the caught error, `c` the result, which holds what
    /// the left operand gave (2: an error).
    case finishAnd, finishOr
    /// Throws the caught error `b` where word `a` is 2.
    case rethrowCaught
    /// Calls site `a`, result to `v[c]`.
    case callFunction, callHost
    /// The values from `a`, `b` of them, as a list or as keys and values of a map, to `v[c]`.
    case makeList, makeMap
    // Macros: `v[c]` the elements of `v[a]`; the next element of `v[a]` at index `w[b]` to `v[c]`, skipping the
    // next instruction (which leaves the loop); pay `a` for a round; append `v[a]` to the list `v[c]`.
    case startLoop, nextElement, spend, append
}

extension Opcode {
    /// Whether an instruction can throw.
    var canFail: Bool {
        switch self {
        case .addInt, .subtractInt, .multiplyInt, .divideInt, .remainderInt, .negateInt, .addUint,
            .subtractUint,
            .multiplyUint, .divideUint, .remainderUint, .equalValue, .unequalValue, .unboxInt, .unboxUint,
            .unboxDouble, .unboxBool, .requireSlot, .fail, .finishAnd, .finishOr, .rethrowCaught,
            .callFunction,
            .callHost, .makeList, .makeMap, .startLoop, .spend, .append:
            true
        default: false
        }
    }
}
