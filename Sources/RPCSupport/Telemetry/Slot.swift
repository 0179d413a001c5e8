import Synchronization

/// A value that one task of a stream sets and the others read.
package final class Slot<Value: Sendable>: Sendable {
    private let storage = Mutex<Value?>(nil)

    /// Makes an empty one.
    package init() {}

    /// The value; nil while there is none.
    package var value: Value? {
        get { storage.withLock { $0 } }
        set { storage.withLock { $0 = newValue } }
    }
}
