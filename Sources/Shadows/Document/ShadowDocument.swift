/// A shadow that is there.
///
/// Sections are never empty: one that becomes empty is nil. `desired` and `reported` hold no null outside of arrays.
public struct ShadowDocument: Hashable, Sendable {
    /// What the thing should be; nil for nothing.
    public private(set) var desired: [String: JSONValue]?
    /// What the thing is; nil for nothing.
    public private(set) var reported: [String: JSONValue]?
    /// When each value was written, in the same tree.
    public private(set) var metadata: ShadowMetadata
    /// Its version on this side, from 1.
    public var version: UInt64
    /// Names its creation.
    public var incarnation: ShadowIncarnation
    /// When it was changed last, in microseconds since 1970.
    public var updateTime: Int64

    /// Makes a document; what metadata lacks gets the time of the update.
    ///
    /// - Parameters:
    ///   - desired: What the thing should be; nil or empty for nothing.
    ///   - reported: What the thing is; nil or empty for nothing.
    ///   - metadata: When each value was written.
    ///   - version: Its version on this side.
    ///   - incarnation: Names its creation.
    ///   - updateTime: When it was changed last, in microseconds since 1970.
    public init(
        desired: [String: JSONValue]?, reported: [String: JSONValue]?,
        metadata: ShadowMetadata = ShadowMetadata(), version: UInt64, incarnation: ShadowIncarnation,
        updateTime: Int64
    ) {
        let seconds = ShadowTime.seconds(updateTime)
        self.init(
            fitting: desired ?? [:], reported ?? [:],
            ShadowMetadata(
                desired: ShadowMetadata.Node.fit(metadata.desired, to: desired ?? [:], seconds),
                reported: ShadowMetadata.Node.fit(metadata.reported, to: reported ?? [:], seconds)),
            version: version, incarnation: incarnation, updateTime: updateTime)
    }

    /// For metadata that is known to have the shape of the state.
    init(
        fitting desired: [String: JSONValue], _ reported: [String: JSONValue], _ metadata: ShadowMetadata,
        version: UInt64, incarnation: ShadowIncarnation, updateTime: Int64
    ) {
        self.desired = desired.isEmpty ? nil : desired
        self.reported = reported.isEmpty ? nil : reported
        self.metadata = metadata
        self.version = version
        self.incarnation = incarnation
        self.updateTime = updateTime
    }

    /// Its version with its creation.
    public var shadowVersion: ShadowVersion { ShadowVersion(incarnation: incarnation, version: version) }

    /// Whether both have the same state, as ``JSONValue/isSame(as:)`` compares.
    public func hasSameState(as other: ShadowDocument) -> Bool {
        JSONValue.areSame(desired ?? [:], other.desired ?? [:])
            && JSONValue.areSame(reported ?? [:], other.reported ?? [:])
    }

    /// Bytes of `desired` and `reported`, each as JSON: what limits count.
    public var stateBytes: Int {
        [desired, reported].reduce(0) { $0 + ($1.map { JSONValue.object($0).bytes.count } ?? 0) }
    }

    /// The state as an object with what is there of `desired` and `reported`.
    public var state: JSONValue {
        var state: [String: JSONValue] = [:]
        if let desired { state["desired"] = .object(desired) }
        if let reported { state["reported"] = .object(reported) }
        return .object(state)
    }
}
