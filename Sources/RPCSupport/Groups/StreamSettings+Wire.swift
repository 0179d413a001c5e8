package import Components
package import HedgerowAPI
package import SwiftProtobuf

// The parameters of streams as they come over the wire, for core and command line alike.

extension StreamSettings {
    /// Settings from the wire: what is absent, and what is newer than this program, has its default. Whoever must not
    /// overlook what is newer asks for that first.
    package init(_ settings: Hedgerow_Type_V1_StreamSettings) {
        self.init()
        if settings.maxSizeBytes > 0 { maxSize = ByteSize(bytes: settings.maxSizeBytes) }
        if settings.priority > 0 { priority = Int(settings.priority) }
        if settings.onFull == .rejectNew { onFull = .rejectNew }
        if settings.persistence == .memory { persistence = .memory }
        if settings.hasTimeToLive { timeToLive = TimeSpan(milliseconds: settings.timeToLive.milliseconds) }
        if settings.batchSize > 0 { batchSize = Int(settings.batchSize) }
        if settings.hasBatchInterval {
            batchInterval = TimeSpan(milliseconds: settings.batchInterval.milliseconds)
        }
        liveShare = settings.liveShare
        if settings.maxRateBytes > 0 { maxRate = ByteSize(bytes: settings.maxRateBytes) }
        if !settings.exports.isEmpty { exports = settings.exports.compactMap { StreamExport($0) } }
    }
}

extension StreamExport {
    /// An export from the wire; nil where its target is newer than this program.
    package init?(_ export: Hedgerow_Type_V1_StreamExport) {
        let name = export.name.isEmpty ? nil : export.name
        switch export.target {
        case .cloud?: self.init(.cloud, name: name)
        case .topic(let topic)?: self.init(.topic(topic.topic), name: name)
        case .directory(let directory)?:
            var target = StreamDirectory(directory.path)
            if directory.maxFileSizeBytes > 0 {
                target.maxFileSize = ByteSize(bytes: directory.maxFileSizeBytes)
            }
            if directory.maxFiles > 0 { target.maxFiles = Int(directory.maxFiles) }
            self.init(.directory(target), name: name)
        case nil: return nil
        }
    }
}

extension Google_Protobuf_Duration {
    /// A span of whole milliseconds.
    package init(milliseconds: Int64) {
        self.init(seconds: milliseconds / 1_000, nanos: Int32(milliseconds % 1_000) * 1_000_000)
    }

    /// Whole milliseconds; what does not fit is cut to what does.
    package var milliseconds: Int64 {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
        let whole = overflow ? (seconds < 0 ? Int64.min : Int64.max) : product
        let (sum, beyond) = whole.addingReportingOverflow(Int64(nanos / 1_000_000))
        return beyond ? whole : sum
    }
}
