import Foundation
import PKI
import RPCSupport
import Synchronization
import TestSupport
import Testing

@testable import Cloud

/// The cloud's own server certificate, and clocks that jump.
@Suite struct ServerIdentityTests {
    @Test("a certificate that is not valid yet, because the clock went back, is replaced at once")
    func isReplacedWhenTheClockGoesBack() async throws {
        let time = TestTime()
        let looks = Mutex(0)
        let root = try CertificateAuthority.makeRoot(trustDomain: "hedgerow", now: time.now)
        let authorities = CloudAuthorities(
            root: root, issuing: try root.makeIssuing(now: time.now), issuingFingerprint: "x")

        time.advance(by: .seconds(3 * 3_600))
        let identity = try CloudServerIdentity(
            authorities: authorities, trustDomain: "hedgerow", hosts: [],
            time: TimeSource(
                now: { time.now },
                sleep: { _ in
                    looks.withLock { $0 += 1 }
                    try await Task.sleep(for: .milliseconds(5))
                }), logger: RunningCloud.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await identity.run() }
            defer { group.cancelAll() }
            let first = identity.certificate.serialNumber
            try await eventually("it looks some times") { looks.withLock { $0 } > 10 }
            #expect(identity.certificate.serialNumber == first, "it is valid by this clock")
            #expect(identity.certificate.notBefore > Date())

            time.advance(by: .seconds(-3 * 3_600))
            try await eventually("there is another one") { identity.certificate.serialNumber != first }
            #expect(identity.certificate.notBefore <= Date())
            #expect(looks.withLock { $0 } < 8_640, "not only after a day")
        }
    }
}
