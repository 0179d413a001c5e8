import Synchronization

/// Serial numbers of revoked certificates, for checks on every connection; the database has the same.
final class RevocationList: Sendable {
    private let serials: Mutex<Set<String>>

    init(_ serials: some Sequence<String>) {
        self.serials = Mutex(Set(serials))
    }

    /// Whether a certificate was revoked.
    func contains(_ serialNumber: String) -> Bool { serials.withLock { $0.contains(serialNumber) } }

    /// Adds certificates.
    func add(_ new: some Sequence<String>) { serials.withLock { $0.formUnion(new) } }

    /// Takes certificates off the list, those that have expired.
    func remove(_ expired: some Sequence<String>) { serials.withLock { $0.subtract(expired) } }

    /// The whole list, sorted.
    var all: [String] { serials.withLock { $0.sorted() } }
}
