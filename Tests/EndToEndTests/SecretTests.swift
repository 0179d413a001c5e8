import EdgeCore
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

@Suite("Secrets, from the operator to the program", .timeLimit(.minutes(5)))
struct SecretTests {
    private typealias Registry = Hedgerow_Registry_V1_RegistryService
    private typealias Component = Hedgerow_Component_V1_ComponentService

    /// Says how it can be spoken for, and goes on.
    private static func recipe(_ name: String, _ secret: String) -> String {
        """
        kind: Component
        name: \(name)
        version: 1.0.0
        process:
          run: 'echo "$HEDGEROW_SOCKET $HEDGEROW_TOKEN" > "$HEDGEROW_DATA/access"; exec sleep 600'
          settle: 0s
          secrets: [\(secret)]
        """
    }

    private static let group = """
        kind: Group
        name: hall
        cores: [core-1]
        things: [thing-1]
        components: [{name: reader, version: ^1.0}, {name: writer, version: ^1.0}]

        """

    private func set(_ name: String, _ value: String, _ fleet: Fleet) async throws {
        _ = try await fleet.operate { client in
            try await Registry.Client(wrapping: client).setSecret(
                .with {
                    $0.group = "hall"
                    $0.name = name
                    $0.value = Data(value.utf8)
                })
        }
    }

    /// Asks the core for a secret in the name of a program that runs.
    private func secret(_ name: String, of instance: String, _ fleet: Fleet) async throws -> String {
        let path = fleet.corePath("core-1") + "/programs/\(instance)/data/access"
        let access = try await eventually("\(instance) runs") {
            let words = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
                .split(whereSeparator: \.isWhitespace).map(String.init)
            return words.count == 2 ? words : nil
        }
        let transport = try HTTP2ClientTransport.Posix(
            target: .unixDomainSocket(path: access[0]), transportSecurity: .plaintext)
        return try await withGRPCClient(transport: transport) { client in
            let reply = try await Component.Client(wrapping: client).getSecret(
                .with { $0.name = name }, metadata: ["authorization": "Bearer \(access[1])"])
            return String(decoding: reply.value, as: UTF8.self)
        }
    }

    @Test("come to the component that asks for them, to no other one, and into no log") func delivery()
        async throws
    {
        let number = UInt64.random(in: 1_000_000_000...9_999_999_999)
        let (first, second, other) = ("first-\(number)", "second-\(number)", "other-\(number)")
        try await withFleet(groups: []) { fleet in
            try await fleet.operate { client in
                for (name, secret) in [("reader", "weather-key"), ("writer", "press-key")] {
                    _ = try await Registry.Client(wrapping: client)
                        .registerComponent(.with { $0.recipe = Self.recipe(name, secret) })
                }
            }
            try await fleet.apply(Self.group)
            try await set("weather-key", first, fleet)
            // Without the other one the deployment fails, and says what to do.
            do {
                try await fleet.deploy(Self.group)
                Issue.record("the deployment did not fail")
            } catch let error as Fleet.Missing {
                #expect(error.description.contains("reads secret \"press-key\""), "\(error)")
                #expect(error.description.contains("hedgerow secrets set hall press-key"), "\(error)")
            }
            #expect(try fleet.core("core-1").revision.current == nil)
            try await set("press-key", other, fleet)
            try await fleet.deploy(Self.group, waiting: false)
            try await fleet.serving(core: "core-1")
            try await fleet.deploy(Self.group)

            #expect(try await secret("weather-key", of: "reader", fleet) == first)
            #expect(try await secret("press-key", of: "writer", fleet) == other)
            for (name, instance) in [("press-key", "reader"), ("weather-key", "writer")] {
                let error = try await expectRefusal { try await secret(name, of: instance, fleet) }
                #expect(error.reason == .notYourResource)
            }
            // A new value needs no deployment.
            try await set("weather-key", second, fleet)
            try await eventually(
                "the second value", holds: { try await secret("weather-key", of: "reader", fleet) == second })
            // One that came while the core was away comes with its attachment.
            try await fleet.stopCore("core-1")
            try await set("weather-key", first, fleet)
            try await fleet.startCore("core-1")
            try await eventually(
                "the first value again",
                holds: { (try? await secret("weather-key", of: "reader", fleet)) == first })
            // Without the cloud it stays.
            try await fleet.stopCloud()
            try await fleet.stopCore("core-1")
            try await fleet.startCore("core-1")
            try await eventually(
                "the value from the disk",
                holds: { (try? await secret("weather-key", of: "reader", fleet)) == first })

            let lines = fleet.cloudLog.text + fleet.coreLog.text
            #expect(lines.contains { $0.contains("secret set") && $0.contains("weather-key") })
            #expect(lines.contains { $0.contains("secrets came") && $0.contains("weather-key") })
            for value in [first, second, other] { #expect(!lines.contains { $0.contains(value) }) }
            let files = try #require(
                FileManager.default.enumerator(atPath: fleet.cloudPath)?.allObjects as? [String])
            for file in files {
                let bytes = FileManager.default.contents(atPath: fleet.cloudPath + "/" + file) ?? Data()
                #expect(bytes.range(of: Data("\(number)".utf8)) == nil, "\(file)")
            }
        }
    }
}
