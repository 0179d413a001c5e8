/// A stored export that leads nowhere.
struct UnusableExport: Error, CustomStringConvertible {
    let name: String

    /// One sentence.
    var description: String {
        "export \"\(name)\" cannot be read from this core's disk; deploy its group again"
    }
}
