import Foundation
import GRPCCore
import HedgerowAPI
import Identity
import SwiftProtobuf
import TestSupport
import Testing

@testable import RPCSupport

@Suite(.timeLimit(.minutes(5))) struct ReflectionTests {
    typealias Reflection = Grpc_Reflection_V1_ServerReflection
    typealias Request = Grpc_Reflection_V1_ServerReflectionRequest
    typealias Response = Grpc_Reflection_V1_ServerReflectionResponse

    let pki: TestPKI

    init() throws { pki = try TestPKI() }

    /// Asks on one stream, each question after the answer to the one before.
    func ask(_ questions: [Request.OneOf_MessageRequest?], as role: Role = .app) async throws -> [Response] {
        try await withServer(ServerSetup(pki: pki)) { server in
            try await withClient(pki, pki.client(role, "somebody"), port: server.port) { client in
                let answers = try await Self.ask(questions, client)
                #expect(try await eventually { server.calls.count == 0 })
                return answers
            }
        }
    }

    static func ask(
        _ questions: [Request.OneOf_MessageRequest?], _ client: GRPCClient<some ClientTransport>
    ) async throws -> [Response] {
        let (answered, next) = AsyncStream.makeStream(of: Void.self)
        return try await Reflection.Client(wrapping: client).serverReflectionInfo(options: soon) { writer in
            var turns = answered.makeAsyncIterator()
            for question in questions {
                var request = Request()
                request.host = "here"
                request.messageRequest = question
                try await writer.write(request)
                await turns.next()
            }
        } onResponse: { response in
            var answers: [Response] = []
            for try await message in response.messages {
                answers.append(message)
                next.yield()
            }
            return answers
        }
    }

    func names(_ response: Response) throws -> [String] {
        try response.fileDescriptorResponse.fileDescriptorProto.map {
            try Google_Protobuf_FileDescriptorProto(serializedBytes: $0).name
        }
    }

    @Test func whatIsServedIsListedAndNothingElse() async throws {
        let answer = try #require(try await ask([.listServices("")]).first)
        #expect(
            answer.listServicesResponse.service.map(\.name) == [
                "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                "grpc.reflection.v1alpha.ServerReflection", "hedgerow.telemetry.v1.TelemetryService",
            ])
        #expect(answer.validHost == "here")
        #expect(answer.originalRequest.messageRequest == .listServices(""))
    }

    @Test(arguments: [
        "hedgerow.telemetry.v1.TelemetryService", "hedgerow.telemetry.v1.TelemetryService.Publish",
        "hedgerow.telemetry.v1.QueryRequest", "hedgerow.telemetry.v1.QueryRequest.page_size",
    ])
    func theFileOfASymbolComesWithWhatItImports(_ symbol: String) async throws {
        let answer = try #require(try await ask([.fileContainingSymbol(symbol)]).first)
        let names = try names(answer)
        #expect(names.first == "hedgerow/telemetry/v1/telemetry.proto")
        #expect(
            Set(names).isSuperset(of: ["hedgerow/type/v1/message.proto", "google/protobuf/timestamp.proto"]))
        #expect(names.count == Set(names).count)
    }

    @Test func symbolsWithinOthersAreFound() throws {
        let catalog = try ProtoCatalog(services: [
            "grpc.health.v1.Health", "hedgerow.telemetry.v1.TelemetryService",
        ])
        let health = "grpc/health/v1/health.proto"
        #expect(catalog.file(containing: "grpc.health.v1.HealthCheckResponse.ServingStatus") == health)
        #expect(catalog.file(containing: "grpc.health.v1.HealthCheckResponse.SERVICE_UNKNOWN") == health)
        #expect(catalog.file(containing: "grpc.health.v1.HealthListResponse.StatusesEntry.key") == health)
        let message = "hedgerow/type/v1/message.proto"
        #expect(catalog.file(containing: "hedgerow.type.v1.Batch.content") == message)
        #expect(catalog.file(containing: "grpc.health.v1") == nil)
        #expect(catalog.file(containing: "") == nil)
    }

    @Test func aFileIsFoundByItsNameAndSentWheneverItIsAskedFor() async throws {
        let answers = try await ask([
            .fileByFilename("hedgerow/type/v1/message.proto"),
            .fileByFilename("hedgerow/telemetry/v1/telemetry.proto"),
            .fileByFilename("google/protobuf/timestamp.proto"),
        ])
        #expect(try names(answers[0]).contains("google/protobuf/timestamp.proto"))
        // What the stream has had is left out of what is imported, and sent again where it is what was asked for.
        #expect(try !names(answers[1]).contains("google/protobuf/timestamp.proto"))
        #expect(try names(answers[2]) == ["google/protobuf/timestamp.proto"])
    }

    @Test func whatCannotBeAnsweredIsSaidAndTheStreamGoesOn() async throws {
        var extending = Grpc_Reflection_V1_ExtensionRequest()
        extending.containingType = "hedgerow.telemetry.v1.QueryRequest"
        extending.extensionNumber = 7
        let answers = try await ask([
            .fileByFilename("no/such.proto"), .fileContainingSymbol("no.Such"),
            // Of a service that is not served here.
            .fileContainingSymbol("hedgerow.registry.v1.RegistryService"),
            .fileContainingExtension(extending), .allExtensionNumbersOfType("no.Such"), nil,
            .allExtensionNumbersOfType("hedgerow.telemetry.v1.QueryRequest"),
        ])
        #expect(answers.map(\.errorResponse.errorCode) == [5, 5, 5, 5, 5, 3, 0])
        #expect(answers[0].errorResponse.errorMessage == "this server has no file \"no/such.proto\"")
        #expect(answers[6].allExtensionNumbersResponse.baseTypeName == "hedgerow.telemetry.v1.QueryRequest")
        #expect(answers[6].allExtensionNumbersResponse.extensionNumber.isEmpty)
    }

    @Test(arguments: Role.allCases)
    func everybodyWithAnIdentityMayAsk(_ role: Role) async throws {
        #expect(try await ask([.listServices("")], as: role).count == 1)
    }

    @Test func nobodyElseMayAsk() async throws {
        let setup = ServerSetup(pki: pki, table: .enrollment)
        try await withServer(setup) { server in
            try await withClient(pki, nil, port: server.port) { client in
                let error = await failure { _ = try await Self.ask([.listServices("")], client) }
                #expect(reason(error) == .noIdentity)
            }
        }
    }

    @Test func theOlderNameAnswersTheSame() async throws {
        try await withServer(ServerSetup(pki: pki)) { server in
            try await withClient(pki, pki.client(.thing, "bme680-1"), port: server.port) { client in
                var request = Grpc_Reflection_V1alpha_ServerReflectionRequest()
                request.fileContainingSymbol = "grpc.reflection.v1alpha.ServerReflection"
                let sent = request
                let alpha = Grpc_Reflection_V1alpha_ServerReflection.Client(wrapping: client)
                let answers = try await alpha.serverReflectionInfo(options: soon) { writer in
                    try await writer.write(sent)
                } onResponse: { response in
                    try await response.messages.reduce(into: []) { $0.append($1) }
                }
                let file = try #require(answers.first?.fileDescriptorResponse.fileDescriptorProto.first)
                let descriptor = try Google_Protobuf_FileDescriptorProto(serializedBytes: file)
                #expect(descriptor.name == "grpc/reflection/v1alpha/reflection.proto")
                #expect(descriptor.service.map(\.name) == ["ServerReflection"])
            }
        }
    }

    @Test func aStreamThatAsksNothingEndsWithTheServer() async throws {
        try await withServer(ServerSetup(pki: pki)) { server in
            try await withClient(pki, pki.client(.thing, "bme680-1"), port: server.port) { client in
                let error = await failure {
                    _ = try await Reflection.Client(wrapping: client).serverReflectionInfo(options: soon) {
                        writer in
                        try await writer.write(.with { $0.listServices = "" })
                        // Keeps the stream open for longer than the call lasts.
                        try await Task.sleep(for: .seconds(60))
                    } onResponse: { response in
                        for try await _ in response.messages { server.shutDown() }
                    }
                }
                #expect(reason(error) == .shuttingDown)
            }
        }
    }

    @Test func theDescriptorsAreWholeAndSmall() throws {
        var total = 0
        for (name, text) in ProtoDescriptors.files {
            let data = try #require(Data(base64Encoded: text, options: .ignoreUnknownCharacters))
            let file = try Google_Protobuf_FileDescriptorProto(serializedBytes: data)
            #expect(file.name == name)
            #expect(!file.hasSourceCodeInfo)
            // The service says that there are none.
            #expect(file.`extension`.isEmpty && file.messageType.allSatisfy(\.`extension`.isEmpty))
            for imported in file.dependency { #expect(ProtoDescriptors.files[imported] != nil, "\(name)") }
            total += data.count
        }
        #expect(total < 64 * 1024, "what every program carries")
    }
}
