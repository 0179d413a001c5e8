import Components
import HedgerowAPI
import SwiftProtobuf

extension StreamSettings {
    /// Reads a stream's settings as they come over the wire; what is absent has its default.
    ///
    /// - Parameter path: where the stream is in the revision, for errors.
    /// - Throws: ``UnreadableRevision`` where a value is newer than this core.
    init(_ settings: Hedgerow_Type_V1_StreamSettings, path: String) throws(UnreadableRevision) {
        self.init()
        if settings.maxSizeBytes > 0 { maxSize = ByteSize(bytes: settings.maxSizeBytes) }
        if settings.priority > 0 { priority = Int(settings.priority) }
        switch settings.onFull {
        case .unspecified, .overwriteOldest: onFull = .overwriteOldest
        case .rejectNew: onFull = .rejectNew
        case .UNRECOGNIZED(let number):
            throw UnreadableRevision(
                path: "\(path).on_full",
                message: "policy \(number) is newer than this core; update hedgerow-core")
        }
        switch settings.persistence {
        case .unspecified, .disk: persistence = .disk
        case .memory: persistence = .memory
        case .UNRECOGNIZED(let number):
            throw UnreadableRevision(
                path: "\(path).persistence",
                message: "persistence \(number) is newer than this core; update hedgerow-core")
        }
        if settings.hasTimeToLive { timeToLive = TimeSpan(milliseconds: settings.timeToLive.milliseconds) }
        if settings.batchSize > 0 { batchSize = Int(settings.batchSize) }
        if settings.hasBatchInterval {
            batchInterval = TimeSpan(milliseconds: settings.batchInterval.milliseconds)
        }
        liveShare = settings.liveShare
        if settings.maxRateBytes > 0 { maxRate = ByteSize(bytes: settings.maxRateBytes) }
        var exports: [StreamExport] = []
        for (index, export) in settings.exports.enumerated() {
            exports.append(try StreamExport(export, path: "\(path).exports[\(index)]"))
        }
        if !exports.isEmpty { self.exports = exports }
    }
}

extension StreamExport {
    fileprivate init(_ export: Hedgerow_Type_V1_StreamExport, path: String) throws(UnreadableRevision) {
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
        case nil:
            throw UnreadableRevision(
                path: path, message: "the export's target is newer than this core; update hedgerow-core")
        }
    }
}

extension Google_Protobuf_Duration {
    /// Whole milliseconds; what does not fit is cut to what does, and refused by the check of the definition.
    fileprivate var milliseconds: Int64 {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
        let whole = overflow ? (seconds < 0 ? Int64.min : Int64.max) : product
        let (sum, beyond) = whole.addingReportingOverflow(Int64(nanos / 1_000_000))
        return beyond ? whole : sum
    }
}
