/// What one `shadow` step does with the rows of a batch.
struct ShadowChange {
    /// Name of the shadow; empty for the classic one.
    let name: String
    let columns: [ShadowColumn]
    /// The rows that it is of, ascending.
    let rows: [Int]
}
