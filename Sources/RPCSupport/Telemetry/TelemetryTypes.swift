public import HedgerowAPI

/// Messages of one topic and shape, packed.
public typealias Batch = Hedgerow_Type_V1_Batch
/// One message in its plain form.
public typealias PlainMessage = Hedgerow_Type_V1_Message
/// One message with everything known about it.
public typealias MessageRecord = Hedgerow_Type_V1_Record
/// Who published a message first, on the wire.
public typealias WireOrigin = Hedgerow_Type_V1_Origin
/// What made a derived message.
public typealias WireSource = Hedgerow_Type_V1_Source
/// Messages with their position on a hop.
public typealias Publication = Hedgerow_Telemetry_V1_Publication
/// Sequences that will never be sent, on the wire.
public typealias WireLostRange = Hedgerow_Telemetry_V1_LostRange
/// Why messages will never arrive.
public typealias LossReason = Hedgerow_Telemetry_V1_LossReason
/// One step of publishing.
public typealias PublishRequest = Hedgerow_Telemetry_V1_PublishRequest
/// One step of acknowledging.
public typealias PublishResponse = Hedgerow_Telemetry_V1_PublishResponse
/// What a publisher says about itself.
public typealias PublishSession = Hedgerow_Telemetry_V1_Session
/// How safe a message is when it is acknowledged.
public typealias AcknowledgementLevel = Hedgerow_Telemetry_V1_AcknowledgementLevel
/// The part of a stream that an outage split.
public typealias Lane = Hedgerow_Telemetry_V1_Lane
/// A message that can never be accepted.
public typealias Rejection = Hedgerow_Telemetry_V1_Rejection
/// The telemetry service.
public typealias TelemetryService = Hedgerow_Telemetry_V1_TelemetryService

extension LossReason {
    /// The reason as metrics call it: lower snake case, without the enum's prefix.
    public var metricName: String {
        if case .UNRECOGNIZED = self { return "unknown" }
        return String(describing: self).reduce(into: "") { name, character in
            if character.isUppercase { name.append("_") }
            name.append(contentsOf: character.lowercased())
        }
    }

    /// Whether messages of this reason are really lost: a refused message was answered, and one that no
    /// route takes to the cloud, or that a component's steps dropped, was handled at the edge.
    public var isLoss: Bool {
        switch self {
        case .rejected, .notRoutedToCloud, .filtered: false
        default: true
        }
    }
}
