import Expressions

/// Brings the values of one slot into the frame, row by row.
struct SlotBinder {
    enum Source {
        case doubles([Double])
        case integers([Int64])
        case bools([Bool])
        case strings([String])
        case mixed([ReadingValue])
        case values([Value])
        case times([Int64])
    }

    private let slot: Int
    private let source: Source
    private let absentRows: [Int]
    /// The next entry of ``absentRows`` to look at; rows come in ascending order.
    private var next = 0

    init(slot: Int, source: Source, absentRows: [Int] = []) {
        self.slot = slot
        self.source = source
        self.absentRows = absentRows
    }

    /// The values, where they are real numbers and every row has one.
    var plainDoubles: (slot: Int, values: [Double])? {
        if case .doubles(let values) = source, absentRows.isEmpty { (slot, values) } else { nil }
    }

    mutating func bind(_ row: Int, into frame: inout Frame) {
        while next < absentRows.count, absentRows[next] < row { next += 1 }
        if next < absentRows.count, absentRows[next] == row {
            frame.setAbsent(at: slot)
            return
        }
        switch source {
        case .doubles(let values): frame.set(double: values[row], at: slot)
        case .integers(let values): frame.set(int: values[row], at: slot)
        case .bools(let values): frame.set(bool: values[row], at: slot)
        case .strings(let values): frame.set(string: values[row], at: slot)
        case .values(let values): frame.set(values[row], at: slot)
        case .mixed(let values):
            switch values[row] {
            case .double(let value): frame.set(double: value, at: slot)
            case .int(let value): frame.set(int: value, at: slot)
            case .bool(let value): frame.set(bool: value, at: slot)
            case .string(let value): frame.set(string: value, at: slot)
            }
        case .times(let times):
            if let time = Timestamp(microseconds: times[row]) {
                frame.set(.timestamp(time), at: slot)
            } else {
                frame.setAbsent(at: slot)
            }
        }
    }
}
