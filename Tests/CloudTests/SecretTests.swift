import Components
import Foundation
import GRDB
import GRPCCore
import HedgerowAPI
import Identity
import Logging
import PKI
import RPCSupport
import ServiceLifecycle
import SwiftProtobuf
import TestSupport
import Testing

@testable import Cloud

/// Secrets of groups in the cloud.
@Suite(.timeLimit(.minutes(5))) struct SecretTests {
    static let value = "correct-horse-battery-staple-\(UInt64.random(in: 1_000_000...9_999_999))"

    private func source(_ name: String = "source", _ secrets: String = "[key]") -> String {
        "kind: Component\nname: \(name)\nversion: 1.0.0\nprocess: {run: [cat], secrets: \(secrets)}\n"
    }

    private func definition(_ components: String = "[{name: source, version: ^1.0}]") -> String {
        "kind: Group\nname: g\ncores: [c]\nthings: [t]\ncomponents: \(components)\n"
    }

    private func withGroup(
        state: String? = nil,
        _ body: @escaping @Sendable (RunningCloud, ClientIdentity, ClientIdentity) async throws -> Void
    ) async throws {
        let whole: @Sendable (RunningCloud) async throws -> Void = { cloud in
            let admin = try await cloud.enrollOperator()
            let core = try await cloud.register(admin, .core, "c")
            _ = try await cloud.register(admin, .thing, "t")
            try await cloud.push(admin, source())
            _ = try await cloud.apply(admin, definition())
            try await body(cloud, admin, core)
        }
        guard let state else { return try await withCloud(whole) }
        try await withCloud(state: state, whole)
    }

    /// Deploys the group, and says that the core runs it.
    private func deploy(
        _ cloud: RunningCloud, _ admin: ClientIdentity, _ core: ClientIdentity
    ) async throws -> String {
        try await cloud.attach(core) { attached in
            attached.hello()
            let id = try await cloud.deploy(admin, "g").id
            _ = try await attached.assignment()
            attached.report(id, .succeeded)
            try await eventually("success") {
                try await cloud.deployment(admin, id).cores.first?.status == .succeeded
            }
            return id
        }
    }

    // MARK: Keeping

    @Test func aValueIsEncryptedUnderAKeyOfItsOwn() async throws {
        try await withTemporaryDirectory { directory in
            let state = directory + "/state"
            try await withGroup(state: state) { cloud, admin, _ in
                #expect(!FileManager.default.fileExists(atPath: state + "/pki/secrets.key"))
                let first = try await cloud.setSecret(admin, Self.value)
                #expect(first.changed && first.secret.version == 1)
                let attributes = try FileManager.default.attributesOfItem(atPath: state + "/pki/secrets.key")
                #expect(attributes[.posixPermissions] as? Int == 0o600)
                // What it is already is no change.
                let again = try await cloud.setSecret(admin, Self.value)
                #expect(!again.changed && again.secret.version == 1)
                let second = try await cloud.setSecret(admin, Self.value + "2")
                #expect(second.changed && second.secret.version == 2)
                #expect(
                    second.secret.author == "admin"
                        && second.secret.sizeBytes == UInt32(Self.value.utf8.count + 1))
            }
            for entry in try #require(FileManager.default.enumerator(atPath: state)?.allObjects as? [String])
            {
                guard let bytes = FileManager.default.contents(atPath: state + "/" + entry) else { continue }
                #expect(bytes.range(of: Data(Self.value.utf8)) == nil, "\(entry)")
            }
        }
    }

    @Test func aListHasNoValues() async throws {
        try await withGroup { cloud, admin, _ in
            for name in ["a", "b", "key"] { try await cloud.setSecret(admin, Self.value, name: name) }
            var found: [String] = []
            var token = ""
            repeat {
                let page = try await cloud.call(as: admin) { [token] client in
                    try await Registry(wrapping: client).listSecrets(
                        .with {
                            $0.group = "g"
                            $0.pageSize = 2
                            $0.pageToken = token
                        })
                }
                found += page.secrets.map(\.name)
                let bytes: Data = try page.serializedBytes()
                #expect(bytes.range(of: Data(Self.value.utf8)) == nil)
                token = page.nextPageToken
            } while !token.isEmpty
            #expect(found == ["a", "b", "key"])
            let other = try await refusal {
                try await cloud.call(as: admin) { client in
                    try await Registry(wrapping: client).listSecrets(.with { $0.group = "none" })
                }
            }
            #expect(other?.reason == .notFound)
        }
    }

    @Test func boundsOfNamesValuesAndNumbers() async throws {
        try await withGroup { cloud, admin, _ in
            for (name, value) in [
                ("", "x"), ("a b", "x"), ("..", "x"), ("a", ""),
                ("a", String(repeating: "x", count: SecretVault.maximumBytes + 1)),
            ] {
                let error = try await refusal { try await cloud.setSecret(admin, value, name: name) }
                #expect(error?.reason == .invalidField, "\(name)")
                #expect(error?.message.contains("xxxx") == false)
            }
            let nowhere = try await refusal { try await cloud.setSecret(admin, "x", group: "none") }
            #expect(nowhere?.reason == .notFound)
            for index in 0..<SecretVault.maximumPerGroup {
                try await cloud.setSecret(
                    admin, index == 0 ? String(repeating: "x", count: SecretVault.maximumBytes) : "x",
                    name: "s\(index)")
            }
            #expect(
                try await refusal { try await cloud.setSecret(admin, "x", name: "more") }?.reason
                    == .queueFull)
            try await cloud.setSecret(admin, "y", name: "s1")
            try await cloud.deleteSecret(admin, "s1")
            #expect(try await refusal { try await cloud.deleteSecret(admin, "s1") }?.reason == .notFound)
            try await cloud.setSecret(admin, "x", name: "more")
        }
    }

    @Test func aMissingOrForeignKeyIsSaidAndNeverReplaced() async throws {
        try await withGroup { cloud, admin, core in
            try await cloud.setSecret(admin, Self.value)
            let id = try await deploy(cloud, admin, core)
            let path = cloud.state + "/pki/secrets.key"
            let key = try #require(FileManager.default.contents(atPath: path))
            for (content, words) in [
                (nil, "is missing"), ("garbage\n", "holds no key"),
                (Base64URL.encode([UInt8](repeating: 7, count: 32)), "is not the one"),
            ] {
                try? FileManager.default.removeItem(atPath: path)
                if let content { try DurableFile.write(Array(content.utf8), to: path) }
                for error in [
                    try await refusal { try await cloud.setSecret(admin, "new") },
                    try await refusal { try await cloud.secrets(core, id) },
                ] {
                    #expect(error?.reason == .secretsUnreadable && error?.code == .failedPrecondition)
                    #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
                }
                let found = await CloudDoctorTests().examine(cloud.state, ports: cloud.ports)["secrets.key"]
                #expect(found?.verdict == .failure)
            }
            try? FileManager.default.removeItem(atPath: path)
            try DurableFile.write(Array(key), to: path)
            #expect(try await cloud.secrets(core, id) == ["key": Self.value])
            #expect(
                await CloudDoctorTests().examine(cloud.state, ports: cloud.ports)["secrets.key"]?.verdict
                    == .good)
            // Without the key: remove them all, and begin anew.
            try FileManager.default.removeItem(atPath: path)
            try await cloud.deleteSecret(admin, "key")
            #expect(try await cloud.setSecret(admin, "new").secret.version == 1)
            #expect(try await cloud.secrets(core, id) == ["key": "new"])
        }
    }

    @Test func aRowThatIsMovedCannotBeOpened() async throws {
        try await withGroup { cloud, admin, core in
            try await cloud.setSecret(admin, Self.value)
            try await cloud.setSecret(admin, "other", name: "b")
            let id = try await deploy(cloud, admin, core)
            try await cloud.server.context.database.write { db in
                try db.execute(
                    sql:
                        "UPDATE secret SET sealed = (SELECT sealed FROM secret WHERE name = 'b') WHERE name = 'key'"
                )
            }
            let error = try await refusal { try await cloud.secrets(core, id) }
            #expect(error?.reason == .secretsUnreadable && error?.message.contains("is damaged") == true)
        }
    }

    // MARK: Giving

    @Test func aCoreGetsWhatTheLockOfItsDeploymentNamesAndNothingElse() async throws {
        try await withGroup { cloud, admin, core in
            try await cloud.setSecret(admin, Self.value)
            try await cloud.setSecret(admin, "not for this component", name: "b")
            let id = try await deploy(cloud, admin, core)
            #expect(try await cloud.secrets(core, id) == ["key": Self.value])
            // What it finished last, where it names none or one that is gone.
            #expect(try await cloud.secrets(core, "") == ["key": Self.value])
            #expect(try await cloud.secrets(core, "d-gone") == ["key": Self.value])
            try await cloud.deleteSecret(admin, "key")
            #expect(try await cloud.secrets(core, id) == ["key": nil])
        }
    }

    @Test func nobodyElseGetsThem() async throws {
        try await withGroup { cloud, admin, core in
            try await cloud.setSecret(admin, Self.value)
            let id = try await deploy(cloud, admin, core)
            let other = try await cloud.register(admin, .core, "other")
            let thing = try await cloud.enroll(try await cloud.token(admin, .thing, "t").token)
            #expect(try await refusal { try await cloud.secrets(other, id) }?.reason == .notYourResource)
            #expect(try await refusal { try await cloud.secrets(other, "") }?.reason == .notFound)
            for identity in [thing, admin] {
                #expect(
                    try await refusal { try await cloud.secrets(identity, id) }?.reason == .roleNotAllowed)
            }
            for identity in [thing, core] {
                let set = try await refusal { try await cloud.setSecret(identity, "x") }
                let delete = try await refusal { try await cloud.deleteSecret(identity, "key") }
                #expect(set?.reason == .roleNotAllowed && delete?.reason == .roleNotAllowed)
            }
            // A core that was taken out of the group and of what is deployed gets no more of it.
            _ = try await cloud.apply(
                admin, definition().replacing("cores: [c]", with: "cores: [other]"))
            #expect(try await cloud.secrets(core, id) == ["key": Self.value], "it is deployed there still")
            _ = try await cloud.deploy(admin, "g")
            #expect(try await refusal { try await cloud.secrets(core, id) }?.reason == .notYourResource)
        }
    }

    @Test func attachedCoresAreToldOfChanges() async throws {
        try await withGroup { cloud, admin, core in
            try await cloud.attach(core) { attached in
                attached.hello()
                _ = try await attached.welcome()
                #expect(try await cloud.setSecret(admin, Self.value).notifiedCores == 1)
                _ = try await attached.next("the news") {
                    if case .secretsChanged = $0.event { true } else { nil }
                }
                #expect(try await cloud.setSecret(admin, Self.value).notifiedCores == 0, "nothing changed")
                try await cloud.deleteSecret(admin, "key")
                _ = try await attached.next("the news again", skipping: 1) {
                    if case .secretsChanged = $0.event { true } else { nil }
                }
            }
        }
    }

    @Test func applyingAndPlanningWarnOfWhatIsNotSet() async throws {
        try await withGroup { cloud, admin, _ in
            let warning =
                "component:source runs source 1.0.0, which reads secret \"key\", and group \"g\" has none of that name; "
                + "set it before you deploy: hedgerow secrets set g key"
            #expect(try await cloud.apply(admin, definition()).warnings == [warning])
            let plan = try await cloud.call(as: admin) { client in
                try await Deployments(wrapping: client).planDeployment(.with { $0.group = "g" })
            }
            #expect(plan.warnings == [warning])
            let check = try await cloud.call(as: admin) { client in
                try await Registry(wrapping: client).checkManifests(
                    .with {
                        $0.files = [
                            source("fresh", "[key, other]"), definition("[{name: fresh, version: ^1.0}]"),
                        ].map { text in .with { $0.text = text } }
                    })
            }
            #expect(check.manifests.flatMap(\.warnings).count { $0.contains("runs fresh 1.0.0") } == 2)
            try await cloud.setSecret(admin, Self.value)
            #expect(try await cloud.apply(admin, definition()).warnings == [])
        }
    }
}

extension RunningCloud {
    @discardableResult
    func setSecret(
        _ identity: ClientIdentity, _ value: String, name: String = "key", group: String = "g"
    ) async throws -> Hedgerow_Registry_V1_SetSecretResponse {
        try await call(as: identity) { client in
            try await Registry(wrapping: client).setSecret(
                .with {
                    $0.group = group
                    $0.name = name
                    $0.value = Data(value.utf8)
                })
        }
    }

    func deleteSecret(_ identity: ClientIdentity, _ name: String) async throws {
        _ = try await call(as: identity) { client in
            try await Registry(wrapping: client).deleteSecret(
                .with {
                    $0.group = "g"
                    $0.name = name
                })
        }
    }

    /// What a core gets; nil for what its group has not set.
    func secrets(_ identity: ClientIdentity, _ deployment: String) async throws -> [String: String?] {
        try await call(as: identity) { client in
            try await Deployments(wrapping: client).getSecrets(.with { $0.deploymentID = deployment }) {
                response in
                var secrets: [String: String?] = [:]
                for try await secret in response.messages {
                    secrets[secret.name] = .some(
                        secret.version == 0 ? nil : String(decoding: secret.value, as: UTF8.self))
                }
                return secrets
            }
        }
    }
}
