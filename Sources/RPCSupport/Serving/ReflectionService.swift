public import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCProtobuf
import HedgerowAPI
import Synchronization

/// Serves `grpc.reflection.v1.ServerReflection`, and the same under its older name `v1alpha`
/// (https://github.com/grpc/grpc/blob/master/doc/server-reflection.md).
///
/// It lists the services that it is given and itself, and describes them. The descriptors are decoded when somebody
/// asks for the first time: a core that nobody asks spends nothing on them. A stream holds the names of the files
/// that it was sent, of which there are a few; each request is answered before the next one is read.
public struct ReflectionService: RegistrableRPCService {
    private typealias Request = Grpc_Reflection_V1_ServerReflectionRequest
    private typealias Response = Grpc_Reflection_V1_ServerReflectionResponse

    // The messages of the two are the same on the wire, so that one implementation answers both.
    private static let methods = [
        Grpc_Reflection_V1_ServerReflection.Method.ServerReflectionInfo.descriptor,
        Grpc_Reflection_V1alpha_ServerReflection.Method.ServerReflectionInfo.descriptor,
    ]

    /// Descriptors of the services that it serves itself, for the conditions of interceptors.
    public static let descriptors = methods.map(\.service)

    private let catalog: Shelf

    /// Makes the service.
    ///
    /// - Parameter services: everything else that the server serves.
    public init(describing services: [any RegistrableRPCService]) {
        // Asked of a router, so that what is listed is what is served.
        var router = RPCRouter<HTTP2ServerTransport.Posix>()
        for service in services { service.registerMethods(with: &router) }
        let names = (router.methods + Self.methods).map(\.service.fullyQualifiedService)
        catalog = Shelf(services: Set(names))
    }

    /// Registers the one method under both names.
    public func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        for method in Self.methods {
            router.registerHandler(
                forMethod: method, deserializer: ProtobufDeserializer<Request>(),
                serializer: ProtobufSerializer<Response>()
            ) { [catalog] request, context in
                StreamingServerResponse { writer in
                    try await untilCancelled(context) {
                        var conversation = Conversation(catalog: try catalog.catalog())
                        for try await question in request.messages {
                            try await writer.write(conversation.answer(to: question))
                        }
                    }
                    return [:]
                }
            }
        }
    }

    /// The catalogue, made when it is asked for.
    private final class Shelf: Sendable {
        private let services: Set<String>
        private let made = Mutex<ProtoCatalog?>(nil)

        init(services: Set<String>) {
            self.services = services
        }

        func catalog() throws -> ProtoCatalog {
            try made.withLock { made in
                if let made { return made }
                let catalog = try ProtoCatalog(services: services)
                made = catalog
                return catalog
            }
        }
    }

    /// One stream's questions and answers.
    private struct Conversation {
        let catalog: ProtoCatalog
        private var sent: Set<String> = []

        init(catalog: ProtoCatalog) {
            self.catalog = catalog
        }

        mutating func answer(to request: Request) -> Response {
            var response = Response()
            response.validHost = request.host
            response.originalRequest = request
            response.messageResponse =
                switch request.messageRequest {
                case .fileByFilename(let name)?:
                    file(name) ?? Self.notFound("file", name)
                case .fileContainingSymbol(let symbol)?:
                    catalog.file(containing: symbol).flatMap { file($0) } ?? Self.notFound("symbol", symbol)
                case .fileContainingExtension(let wanted)?:
                    Self.notFound("extension of", wanted.containingType)
                case .allExtensionNumbersOfType(let name)?:
                    extensions(of: name)
                case .listServices?:
                    services()
                case nil:
                    Self.error(.invalidArgument, "the request asks for nothing; set message_request")
                }
            return response
        }

        private mutating func file(_ name: String) -> Response.OneOf_MessageResponse? {
            let files = catalog.closure(of: name, sent: &sent)
            guard !files.isEmpty else { return nil }
            var answer = Grpc_Reflection_V1_FileDescriptorResponse()
            answer.fileDescriptorProto = files
            return .fileDescriptorResponse(answer)
        }

        private func extensions(of name: String) -> Response.OneOf_MessageResponse {
            guard catalog.hasMessage(name) else { return Self.notFound("message type", name) }
            var answer = Grpc_Reflection_V1_ExtensionNumberResponse()
            answer.baseTypeName = name
            return .allExtensionNumbersResponse(answer)
        }

        private func services() -> Response.OneOf_MessageResponse {
            var answer = Grpc_Reflection_V1_ListServiceResponse()
            answer.service = catalog.services.map { name in
                var service = Grpc_Reflection_V1_ServiceResponse()
                service.name = name
                return service
            }
            return .listServicesResponse(answer)
        }

        private static func notFound(_ what: String, _ name: String) -> Response.OneOf_MessageResponse {
            error(.notFound, "this server has no \(what) \"\(name.prefix(200))\"")
        }

        private static func error(
            _ code: Status.Code, _ message: String
        ) -> Response.OneOf_MessageResponse {
            var answer = Grpc_Reflection_V1_ErrorResponse()
            answer.errorCode = Int32(code.rawValue)
            answer.errorMessage = message
            return .errorResponse(answer)
        }
    }
}
