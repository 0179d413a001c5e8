import GRPCCore
import GRPCProtobuf
import HedgerowAPI

/// `Publish` without anything behind it: the least that a server of this protocol can do.
struct BareService: RegistrableRPCService {
    /// Whether each request is answered; else the first and the end of the stream.
    let acknowledgesEach: Bool

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(
            forMethod: Hedgerow_Telemetry_V1_TelemetryService.Method.Publish.descriptor,
            deserializer: ProtobufDeserializer<Hedgerow_Telemetry_V1_PublishRequest>(),
            serializer: ProtobufSerializer<Hedgerow_Telemetry_V1_PublishResponse>()
        ) { request, _ in
            StreamingServerResponse { writer in
                var response = Hedgerow_Telemetry_V1_PublishResponse()
                for try await message in request.messages {
                    for publication in message.publications {
                        response.acknowledgedSequence += UInt64(publication.batch.timeOffsetsUs.count)
                    }
                    if acknowledgesEach || message.hasSession { try await writer.write(response) }
                }
                try await writer.write(response)
                return [:]
            }
        }
    }
}
