/// A shadow that was deleted.
public struct ShadowTombstone: Hashable, Sendable {
    /// Names the creation that was deleted.
    public var incarnation: ShadowIncarnation
    /// The version of the deletion.
    public var version: UInt64
    /// When it was deleted, in microseconds since 1970.
    public var deleteTime: Int64

    /// For how long a shadow that is created again goes on counting versions: 48 hours, in microseconds.
    public static let countingTime = ShadowTime.tombstone

    /// Makes a tombstone.
    public init(incarnation: ShadowIncarnation, version: UInt64, deleteTime: Int64) {
        self.incarnation = incarnation
        self.version = version
        self.deleteTime = deleteTime
    }

    /// Whether a shadow that is created now goes on counting. A clock that went back changes nothing.
    ///
    /// - Parameter now: Microseconds since 1970.
    public func isCounting(at now: Int64) -> Bool {
        let (age, isBeyond) = now.subtractingReportingOverflow(deleteTime)
        return !isBeyond && age < Self.countingTime
    }
}
