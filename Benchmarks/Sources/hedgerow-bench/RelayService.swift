import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCProtobuf
import HedgerowAPI

/// `Publish` that passes everything on, and acknowledgements back.
struct RelayService: RegistrableRPCService {
    let client: GRPCClient<HTTP2ClientTransport.Posix>
    /// Stands for the CPU's temperature.
    private static let cpu = 45.0

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(
            forMethod: Hedgerow_Telemetry_V1_TelemetryService.Method.Publish.descriptor,
            deserializer: ProtobufDeserializer<Hedgerow_Telemetry_V1_PublishRequest>(),
            serializer: ProtobufSerializer<Hedgerow_Telemetry_V1_PublishResponse>()
        ) { [client] request, _ in
            StreamingServerResponse { writer in
                let telemetry = Hedgerow_Telemetry_V1_TelemetryService.Client(wrapping: client)
                try await telemetry.publish { upstream in
                    for try await message in request.messages {
                        try await upstream.write(Self.compensated(message))
                    }
                } onResponse: { response in
                    for try await message in response.messages { try await writer.write(message) }
                }
                return [:]
            }
        }
    }

    private static func compensated(
        _ request: Hedgerow_Telemetry_V1_PublishRequest
    ) -> Hedgerow_Telemetry_V1_PublishRequest {
        var request = request
        for index in request.publications.indices {
            let values = request.publications[index].batch.readings.columns[0].doubleValues
            request.publications[index].batch.readings.columns[0].doubleValues = values.map { 2 * $0 - cpu }
        }
        return request
    }
}
