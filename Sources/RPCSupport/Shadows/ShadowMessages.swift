import Foundation
package import HedgerowAPI
package import ShadowStore
package import Shadows
import SwiftProtobuf

// Shadows as they go over the wire.

extension Hedgerow_Shadow_V1_ShadowHistoryEntry {
    /// What a shadow was.
    package init(_ entry: ShadowHistoryEntry) {
        self.init()
        version = entry.shadow.version
        incarnation = entry.shadow.incarnation.description
        updateTime = Microseconds.timestamp(entry.shadow.updateTime)
        author = entry.author
        document = entry.shadow.document?.getResponse() ?? ""
    }
}

extension Hedgerow_Shadow_V1_ShadowConflict {
    /// A conflict as it is recorded.
    package init(_ conflict: RecordedConflict) {
        self.init()
        path = conflict.path
        base = conflict.base
        coreValue = conflict.coreValue
        cloudValue = conflict.cloudValue
        winner = conflict.winner
        rule = conflict.rule
        decideTime = Microseconds.timestamp(conflict.decideTime)
        coreVersion = conflict.coreVersion
        cloudVersion = conflict.cloudVersion
        core = conflict.core
    }
}

extension RecordedConflict {
    /// A conflict as a core tells it.
    ///
    /// - Parameter core: The core that tells it, whatever it says.
    package init(_ conflict: Hedgerow_Shadow_V1_ShadowConflict, core: String) {
        self.init(
            path: conflict.path, base: conflict.base, coreValue: conflict.coreValue,
            cloudValue: conflict.cloudValue, winner: conflict.winner, rule: conflict.rule, core: core,
            coreVersion: conflict.coreVersion, cloudVersion: conflict.cloudVersion,
            decideTime: Microseconds.of(conflict.decideTime) ?? 0)
    }
}

extension Hedgerow_Shadow_V1_SyncDocument {
    /// A shadow as one side has it.
    package init(_ shadow: StoredShadow) {
        self.init()
        incarnation = Data(shadow.incarnation.bytes)
        version = shadow.version
        updateTime = Microseconds.timestamp(shadow.updateTime)
        guard let document = shadow.document else {
            deleted = true
            return
        }
        state = Data(document.stateText.utf8)
        metadata = Data(document.metadataText.utf8)
    }

    /// The shadow; nil where there is none.
    ///
    /// - Throws: `ShadowError` where it cannot be read.
    package func shadow() throws(ShadowError) -> StoredShadow {
        guard let incarnation = ShadowIncarnation(incarnation) else {
            throw ShadowError(.badRequest, "the incarnation has not 16 bytes")
        }
        let time = Microseconds.of(updateTime) ?? 0
        if deleted {
            return .deleted(ShadowTombstone(incarnation: incarnation, version: version, deleteTime: time))
        }
        return .present(
            try ShadowDocument(
                state: state, metadata: metadata, version: version, incarnation: incarnation, updateTime: time
            ))
    }
}

extension Hedgerow_Shadow_V1_SyncChange {
    /// A shadow as the cloud has it.
    ///
    /// - Parameter isNews: Whether the change is told with its number; else it answers a question.
    package init(_ shadow: SyncedShadow, isNews: Bool) {
        self.init()
        thing = shadow.key.thing
        name = shadow.key.name
        document = .init(shadow.shadow)
        change = isNews ? UInt64(clamping: shadow.change) : 0
        if let version = shadow.coreVersion {
            coreIncarnation = Data(version.incarnation.bytes)
            coreVersion = version.version
        }
    }

    /// The shadow as a core takes it: nothing stored where the cloud has neither document nor tombstone.
    ///
    /// - Throws: `ShadowError` where it cannot be read.
    package func cloudShadow() throws(ShadowError) -> (key: ShadowKey, cloud: CloudShadow) {
        let key = try ShadowKey(thing: thing, name: name)
        let stored = hasDocument ? try document.shadow() : nil
        let core = ShadowIncarnation(coreIncarnation).map {
            ShadowVersion(incarnation: $0, version: coreVersion)
        }
        return (key, CloudShadow(stored, core: core))
    }
}
