/// A row of the database that cannot be what was written: the disk or the program is at fault.
public struct DamagedShadow: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which table, and what of it.
    public let description: String
}
