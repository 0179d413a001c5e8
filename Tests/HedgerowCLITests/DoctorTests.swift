import Foundation
import HedgerowAPI
import Identity
import PKI
import Synchronization
import TestSupport
import Testing

@testable import HedgerowCLI

@Suite("hedgerow doctor", .timeLimit(.minutes(3)))
struct DoctorTests {
    /// The verdicts by check, of the JSON of a report.
    func verdicts(_ text: String) throws -> [String: String] {
        let report = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        let checks = report?["checks"] as? [[String: Any]] ?? []
        return Dictionary(
            checks.map { ($0["check"] as? String ?? "", $0["verdict"] as? String ?? "") }
        ) { first, _ in first }
    }

    @Test("finds a healthy operator healthy, and asks the cloud for its time")
    func healthy() async throws {
        try await CommandTests().asOperator { person in
            let report = await person.run("doctor")
            #expect(report.status == 0, "\(report.output)\(report.error)")
            #expect(report.output.contains("you are operator/ann of test.example"))
            #expect(report.error.isEmpty)
            let json = await person.run("doctor", "-o", "json")
            let found = try verdicts(json.output)
            for check in [
                "state.directory", "state.secrets", "identity", "certificate.chain", "certificate.times",
            ] {
                #expect(found[check] == "OK", "\(check): \(json.output)")
            }
            // The first address is away (a warning), the second answers.
            #expect(found["cloud.connection"] == "WARN", "\(json.output)")
            #expect(report.output.contains("accepted operator/ann and serves"), "\(report.output)")
            #expect(found["clock.cloud"] == "OK", "\(json.output)")
            let session = try #require(person.cloud.state.withLock { $0.sessions.last })
            #expect(session.stream == "doctor")
            #expect(session.epoch.count == 16)
        }
    }

    @Test("fails where there is no identity, where the cloud is away, and where the key is open to others")
    func broken() async throws {
        let nobody = CommandIO.captured(environment: ["HEDGEROW_HOME": "/nonexistent/home"])
        #expect(await nobody.run("doctor") == 1)
        #expect(nobody.output.contains("FAIL"))
        #expect(nobody.output.contains("hedgerow init FILE"), "\(nobody.output)")
        try await CommandTests().asOperator { person in
            let file = person.directory + "/operator.token"
            _ = await person.run("init", "--context", "away", file, "--cloud", "127.0.0.1:1")
            let away = await person.run("doctor", "--context", "away", "-o", "json")
            #expect(away.status == 1)
            let found = try verdicts(away.output)
            #expect(found["cloud.connection"] == "FAIL")
            #expect(found["certificate.times"] == "OK")
            #expect(chmod(person.directory + "/home/key.pem", 0o644) == 0)
            let open = await person.run("doctor")
            #expect(open.status == 1)
            #expect(open.output.contains("chmod 600 \(person.directory)/home/key.pem"))
            let bus = await person.run("doctor", "--i2c-bus", "/nonexistent/i2c-1", "-o", "json")
            let buses = try verdicts(bus.output)
            #expect(buses["i2c"] == "FAIL")
        }
    }

    @Test("looks at a thing's state, with its clock")
    func thing() async throws {
        try await withTemporaryDirectory { directory in
            let made = Date().addingTimeInterval(-10 * 86_400)
            let pki = try TestPKI(now: made)
            let key = PrivateKey.generate()
            let principal = try Principal(role: .thing, name: "bme680-1")
            let leaf = try pki.issuing.issueClient(
                request: key.signingRequest(commonName: "bme680-1"), principal: principal,
                trustDomain: pki.trustDomain, now: made, validity: .seconds(86_400))
            let state = directory + "/state"
            let empty = CommandIO.captured()
            #expect(await empty.run("doctor", "--state", state) == 1)
            #expect(empty.output.contains("hedgerow thing enroll"))
            try IdentityDirectory(path: state).save(
                StoredIdentity(
                    principal: principal, trustDomain: pki.trustDomain,
                    cloud: [NetworkEndpoint(host: "127.0.0.1", port: 1)], keyPEM: key.pem,
                    chainPEM: leaf.chainPEM,
                    rootPEM: pki.root.certificatePEM, renewTime: made))
            try "4102444800\n".write(toFile: state + "/clock", atomically: true, encoding: .utf8)
            let expired = CommandIO.captured()
            #expect(await expired.run("doctor", "--state", state, "-o", "json") == 1)
            let found = try verdicts(expired.output)
            #expect(found["certificate.times"] == "FAIL")
            #expect(found["certificate.chain"] == "OK")
            #expect(found["clock.floor"] == "FAIL")
            #expect(found["cloud.connection"] == "FAIL")
        }
    }
}
