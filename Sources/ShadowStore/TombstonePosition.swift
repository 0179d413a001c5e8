/// Where a look through the tombstones goes on.
public struct TombstonePosition: Hashable, Sendable {
    let time: Int64
    let change: Int64
}
