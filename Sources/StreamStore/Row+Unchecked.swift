import Foundation
import GRDB
import Messaging

// Values of rows that the disk may have damaged: what is of another type than it must be reads as absent. GRDB's own
// conversions end the process there.
extension Row {
    /// An integer.
    func integer(_ index: Int) -> Int64? {
        guard case .int64(let value) = (self[index] as DatabaseValue).storage else { return nil }
        return value
    }

    /// A text.
    func text(_ index: Int) -> String? {
        guard case .string(let value) = (self[index] as DatabaseValue).storage else { return nil }
        return value
    }

    /// Bytes.
    func blob(_ index: Int) -> Data? {
        guard case .blob(let value) = (self[index] as DatabaseValue).storage else { return nil }
        return value
    }

    /// Whose messages, from three columns.
    func originKey(_ index: Int) -> OriginKey? {
        guard let thing = text(index), let bytes = blob(index + 1), let epoch = Epoch(bytes),
            let component = text(index + 2)
        else { return nil }
        return OriginKey(thing: thing, epoch: epoch, component: component)
    }

    /// Sequences, from two columns.
    func range(_ index: Int) -> SequenceRange? {
        SequenceRange(stored: integer(index), integer(index + 1))
    }
}

extension SequenceRange {
    /// Sequences as the database has them; nil where they cannot be any.
    init?(stored first: Int64?, _ last: Int64?) {
        guard let first, let last, first >= 0, last >= 0 else { return nil }
        self.init(UInt64(first), UInt64(last))
    }
}
