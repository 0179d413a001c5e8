/// A queue in an array: appends and removals at the ends in amortised constant time.
struct FIFO<Element: Sendable>: Sendable {
    private var storage: [Element?] = []
    private var head = 0

    var count: Int { storage.count - head }
    var isEmpty: Bool { count == 0 }
    var last: Element? { isEmpty ? nil : storage[storage.count - 1] }

    mutating func append(_ element: Element) {
        storage.append(element)
    }

    mutating func popFirst() -> Element? {
        guard head < storage.count else { return nil }
        let element = storage[head]
        storage[head] = nil
        head += 1
        // Moving the rest down whenever half is empty costs each element one move on average.
        if head >= 64, head * 2 >= storage.count {
            storage.removeFirst(head)
            head = 0
        }
        return element
    }

    mutating func removeAll() {
        storage.removeAll()
        head = 0
    }

    /// The element at a distance from the front; nil beyond the end.
    func element(at offset: Int) -> Element? {
        guard offset >= 0, head + offset < storage.count else { return nil }
        return storage[head + offset]
    }
}
