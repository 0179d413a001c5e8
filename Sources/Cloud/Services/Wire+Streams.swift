import Components
import HedgerowAPI
import RPCSupport
import SwiftProtobuf

/// Streams as they go over the wire: what has its default is said where the wire has no word for the default.
extension Hedgerow_Type_V1_StreamSettings {
    init(name: String, settings: StreamSettings) {
        self.init()
        self.name = name
        maxSizeBytes = settings.maxSize.bytes
        onFull = settings.onFull == .rejectNew ? .rejectNew : .overwriteOldest
        priority = UInt32(clamping: settings.priority)
        if let span = settings.timeToLive {
            timeToLive = Google_Protobuf_Duration(milliseconds: span.milliseconds)
        }
        persistence = settings.persistence == .memory ? .memory : .disk
        batchSize = UInt32(clamping: settings.batchSize)
        batchInterval = Google_Protobuf_Duration(milliseconds: settings.batchInterval.milliseconds)
        liveShare = settings.liveShare
        maxRateBytes = settings.maxRate?.bytes ?? 0
        exports = settings.exports.map(Hedgerow_Type_V1_StreamExport.init)
    }
}

extension Hedgerow_Type_V1_StreamExport {
    init(_ export: StreamExport) {
        self.init()
        name = export.givenName ?? ""
        switch export.target {
        case .cloud: cloud = Hedgerow_Type_V1_CloudExport()
        case .topic(let text): topic = .with { $0.topic = text }
        case .directory(let target):
            directory = .with {
                $0.path = target.path
                $0.maxFileSizeBytes = target.maxFileSize.bytes
                $0.maxFiles = UInt32(clamping: target.maxFiles)
            }
        }
    }
}
