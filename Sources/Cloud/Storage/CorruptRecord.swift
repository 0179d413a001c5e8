/// Something stored that cannot be read; never treated as absent. To callers it is a fault of ours, and the log
/// has what it was.
struct CorruptRecord: Error, Hashable, Sendable, CustomStringConvertible {
    /// What.
    let what: String

    init(_ what: String) {
        self.what = what
    }

    var description: String { "the cloud's database has a fault: \(what)" }
}
