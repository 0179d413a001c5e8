import Foundation
import PKI
import RPCSupport
import TestSupport
import Testing

@testable import Cloud

@Suite("The doctor of the cloud", .timeLimit(.minutes(3)))
struct CloudDoctorTests {
    func examine(
        _ state: String, ports: (Int, Int) = (0, 0), now: Date = Date(),
        configure: (inout CloudConfiguration) -> Void = { _ in }
    ) async -> [String: DoctorFinding] {
        var configuration = RunningCloud.configuration(state)
        configuration.listener.port = ports.0
        configuration.enrollmentListener.port = ports.1
        configure(&configuration)
        let report = await CloudDoctor(configuration: configuration, now: { now }).examine()
        return Dictionary(report.findings.map { ($0.check, $0) }) { first, _ in first }
    }

    @Test func aRunningCloudIsWellAndIsLeftAlone() async throws {
        try await withCloud { cloud in
            let found = await examine(cloud.state, ports: cloud.ports)
            let failed = found.values.filter { $0.verdict == .failure }
            #expect(failed.isEmpty, "\(failed)")
            for check in [
                "settings", "state.directory", "state.secrets", "cloud", "database", "authority.keys",
                "authority.trustDomain", "certificate.root", "certificate.issuing", "certificate.chain",
                "address.listen", "address.enrollment",
            ] {
                #expect(found[check]?.verdict == .good, "\(check): \(String(describing: found[check]))")
            }
            #expect(found["certificate.groups"]?.verdict == .skipped)
            let admin = try await cloud.enrollOperator()
            #expect(admin.chainPEM.contains("BEGIN CERTIFICATE"), "it goes on")
        }
    }

    @Test func whatIsBrokenIsFound() async throws {
        try await withTemporaryDirectory { directory in
            let state = directory + "/state"
            let absent = await examine(state)
            #expect(absent["state.directory"]?.verdict == .failure)
            #expect(absent["database"]?.verdict == .skipped)
            #expect(!FileManager.default.fileExists(atPath: state), "nothing is made")
            try await withCloud(state: state) { _ in }
            #expect(await examine(state)["cloud"]?.verdict == .skipped)
            let later = await examine(state, now: Date().addingTimeInterval(86_400 * 365 * 6))
            #expect(later["certificate.issuing"]?.verdict == .failure, "five years are over")
            #expect(later["certificate.root"]?.verdict == .good)
            #expect(
                await examine(state) { $0.trustDomain = "other" }["authority.trustDomain"]?.verdict
                    == .failure)
            #expect(await examine(state) { $0.trustDomain = "NO" }["settings"]?.verdict == .failure)
            let key = state + "/pki/root.key"
            #expect(chmod(key, 0o644) == 0)
            #expect(await examine(state)["state.secrets"]?.verdict == .failure)
            try PrivateKey.generate().pem.write(toFile: key, atomically: true, encoding: .utf8)
            let other = await examine(state)["authority.keys"]
            #expect(other?.verdict == .failure)
            #expect(other?.message.contains("does not belong") == true, "\(String(describing: other))")
            try FileManager.default.removeItem(atPath: key)
            #expect(await examine(state)["authority.keys"]?.message.contains("is missing") == true)
            try Data("no database".utf8).write(to: URL(fileURLWithPath: state + "/cloud.sqlite"))
            #expect(await examine(state)["database"]?.verdict == .failure)
        }
    }
}
