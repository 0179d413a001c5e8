import Foundation
import GRPCCore
import HedgerowAPI
import Identity
import PKI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

@testable import EdgeCore

@Suite("Certificates of the core", .timeLimit(.minutes(3)))
struct CertificateTests {
    @Test("the group's CA is replaced under an open stream, which goes on (lesson 13)")
    func swapUnderStream() async throws {
        try await CoreHarness.with { harness in
            try await harness.runDeployed { core, port in
                let old = harness.cloud.groupAuthority
                try await harness.withThing("bme680-1", port: port) { client in
                    try await EchoCall.with(client) { call in
                        try await call.echo()
                        for _ in 0..<3 {
                            let before = try String(
                                contentsOfFile: harness.statePath + "/server.json", encoding: .utf8)
                            try harness.cloud.rotateGroupAuthority()
                            harness.cloud.send { $0.renewServerCertificate.reason = "rotated" }
                            try await eventually("a new certificate on disk") {
                                try String(
                                    contentsOfFile: harness.statePath + "/server.json", encoding: .utf8)
                                    != before
                            }
                            // A new connection gets the certificate under the new CA; the old one goes on.
                            try await eventually("a connection under the new CA") {
                                (try? await harness.echo("bme680-1", port: port)) != nil
                            }
                            try await call.echo()
                        }
                    }
                }
                await #expect(throws: RPCError.self) {
                    try await harness.withThing("bme680-1", port: port, authority: old) { client in
                        try await EchoCall.with(client) { try await $0.echo() }
                    }
                }
            }
        }
    }

    @Test("a wish to renew within a span is spread over it, and one without an answer is repeated")
    func spreadAndRepeat() async throws {
        try await CoreHarness.with { harness in
            try await harness.cloud.run { ports in
                try harness.writeToken(ports)
                try await harness.run(configure: { $0.timing.certificate = .milliseconds(100) }) { core in
                    harness.cloud.setSignsCertificates(false)
                    try await harness.attachedAndDeployed(
                        core, FakeCloud.revision(1, things: ["a"]), id: "d-1")
                    try await eventually("repeated requests") { harness.cloud.certificateRequests >= 3 }
                    harness.cloud.setSignsCertificates(true)
                    _ = try await core.listeningPort()
                    try await eventually("rest") {
                        let count = harness.cloud.certificateRequests
                        try await Task.sleep(for: .milliseconds(200))
                        return count == harness.cloud.certificateRequests
                    }
                    let count = harness.cloud.certificateRequests
                    harness.cloud.send { response in
                        response.renewServerCertificate.reason = "rotated"
                        response.renewServerCertificate.within = .init(seconds: 3_600)
                    }
                    harness.cloud.deploy(FakeCloud.revision(2, things: ["a"]), id: "d-2")
                    try await eventually("the next message") { !harness.cloud.reports("d-2").isEmpty }
                    #expect(harness.cloud.certificateRequests == count)
                }
            }
        }
    }

    @Test("a certificate that does not belong to the key is not taken into use")
    func foreignCertificate() async throws {
        try await CoreHarness.with { harness in
            try await harness.runDeployed { core, port in
                let key = PrivateKey.generate()
                let stranger = try CertificateAuthority.makeGroup(group: "hall", now: Date())
                let leaf = try stranger.issueServer(
                    request: key.signingRequest(commonName: "x"),
                    spiffeID: harness.core.spiffeID(trustDomain: FakeCloud.trustDomain),
                    dnsNames: ["x.example"],
                    ipAddresses: [], now: Date())
                harness.cloud.setSignsCertificates(false)
                let before = harness.cloud.certificateRequests
                harness.cloud.send { $0.renewServerCertificate.reason = "test" }
                try await eventually("a request") { harness.cloud.certificateRequests > before }
                harness.cloud.send { $0.serverCertificate.certificateChain = leaf.chainPEM }
                harness.cloud.deploy(FakeCloud.revision(2, things: ["bme680-1"]), id: "d-2")
                try await eventually("the next message") {
                    harness.cloud.reports("d-2").last?.status == .succeeded
                }
                // A certificate that was signed before may still have come; the stranger's may not.
                let stored = try String(contentsOfFile: harness.statePath + "/server.json", encoding: .utf8)
                    .replacingOccurrences(of: "\\/", with: "/")
                let body = try #require(leaf.chainPEM.split(separator: "\n").dropFirst().first)
                #expect(!stored.contains(body))
                try await harness.echo("bme680-1", port: port)
            }
        }
    }

    @Test(
        "a revoked certificate cuts the open stream, is refused, and stays so after a restart without the cloud"
    )
    func revocation() async throws {
        try await CoreHarness.with { harness in
            let thing = try Principal(role: .thing, name: "bme680-1")
            let (identity, serial) = try harness.cloud.clientIdentity(thing)
            try await harness.runDeployed { _, port in
                try await harness.withThing("bme680-1", port: port, identity: identity) { client in
                    try await EchoCall.with(client) { call in
                        try await call.echo()
                        harness.cloud.send { $0.revokedCertificates.serialNumbers = [serial] }
                        let end = await call.end()
                        #expect(reason(end) == .revoked, "\(String(describing: end))")
                    }
                }
                await #expect(throws: RPCError.self) {
                    try await harness.echo("bme680-1", port: port, identity: identity)
                }
                // The same thing with another certificate is welcome.
                try await harness.echo("bme680-1", port: port)
            }
            try await harness.run { core in
                let port = try await core.listeningPort()
                await #expect(throws: RPCError.self) {
                    try await harness.echo("bme680-1", port: port, identity: identity)
                }
                try await harness.echo("bme680-1", port: port)
            }
        }
    }

    @Test("a damaged server certificate is put aside and another one is asked for")
    func damagedServerCertificate() async throws {
        try await CoreHarness.with { harness in
            try await harness.runDeployed { _, _ in }
            let path = harness.statePath + "/server.json"
            try Data("{\"version\": 1".utf8).write(to: URL(fileURLWithPath: path))
            try await harness.cloud.run { _ in
                try await harness.run { core in
                    try await harness.echo("bme680-1", port: try await core.listeningPort())
                }
            }
            #expect(FileManager.default.fileExists(atPath: path + ".damaged"))
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
        }
    }
}
