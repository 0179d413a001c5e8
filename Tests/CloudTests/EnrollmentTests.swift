import Foundation
import GRPCCore
import HedgerowAPI
import Identity
import PKI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

@testable import Cloud

/// Tokens, certificates and their ends, over real TLS.
@Suite struct EnrollmentTests {
    @Test func theFirstStartLeavesAnOperatorTokenThatEnrolsOnce() async throws {
        try await withCloud { cloud in
            let file = try cloud.operatorToken()
            #expect(file.role == .operator)
            #expect(file.cloud.map(\.port) == [cloud.ports.mtls])
            #expect(file.enrollment.map(\.port) == [cloud.ports.enrollment])
            let mode = try FileManager.default.attributesOfItem(atPath: cloud.state + "/operator.token")
            #expect(mode[.posixPermissions] as? Int == 0o600)

            let admin = try await cloud.enrollOperator()
            let things = try await cloud.call(as: admin) { client in
                try await Registry(wrapping: client).listThings(.init()).things
            }
            #expect(things.isEmpty)
        }
    }

    @Test func aTokenBindsToTheFirstKeyAndIsRepeatableForAnHour() async throws {
        try await withCloud { cloud in
            let token = try cloud.operatorToken().token
            let key = PrivateKey.generate()
            _ = try await cloud.enroll(token, key: key)
            // The answer was lost: the same key may ask again.
            _ = try await cloud.enroll(token, key: key)

            let other = try await refusal { try await cloud.enroll(token) }
            #expect(other?.reason == .tokenNotAccepted)
            cloud.time.advance(by: .minutes(61))
            let late = try await refusal { try await cloud.enroll(token, key: key) }
            #expect(late?.reason == .tokenNotAccepted)
            let unknown = try await refusal { try await cloud.enroll("hgt_unknown") }
            #expect(unknown?.reason == .tokenNotAccepted)
            // Nobody learns from the answer which of them exists.
            #expect(Set([other?.message, late?.message, unknown?.message]).count == 1)
            #expect(other?.code == .permissionDenied)
        }
    }

    @Test func anExpiredTokenIsNotAccepted() async throws {
        try await withCloud { cloud in
            cloud.time.advance(by: .days(8))
            let error = try await refusal { try await cloud.enrollOperator() }
            #expect(error?.reason == .tokenNotAccepted)
        }
    }

    @Test func aTokenOfADeletedThingIsNotAccepted() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            _ = try await cloud.register(admin, .thing, "t")
            let token = try await cloud.token(admin, .thing, "t").token
            _ = try await cloud.call(as: admin) { client in
                try await Registry(wrapping: client).deleteThing(.with { $0.name = "t" })
            }
            let error = try await refusal { try await cloud.enroll(token) }
            #expect(error?.reason == .tokenNotAccepted)
        }
    }

    @Test func aRequestThatIsNoSigningRequestIsRefusedAndSpendsNothing() async throws {
        try await withCloud { cloud in
            let token = try cloud.operatorToken().token
            let error = try await refusal {
                try await cloud.call(as: nil) { client in
                    try await Provisioning(wrapping: client).enroll(
                        .with {
                            $0.token = token
                            $0.signingRequest = Data([1, 2, 3])
                        })
                }
            }
            #expect(error?.reason == .badSigningRequest)
            _ = try await cloud.enroll(token)
        }
    }

    @Test func renewingGivesTheSameIdentityWithANewKey() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let key = PrivateKey.generate()
            let renewed = try await cloud.call(as: admin) { client in
                let request = try key.signingRequest(commonName: "somebody-else")
                let response = try await Provisioning(wrapping: client).renew(
                    .with { $0.signingRequest = Data(request) })
                return ClientIdentity(chainPEM: response.certificateChain, keyPEM: key.pem)
            }
            let leaf = try #require(try Certificates.parse(pem: renewed.chainPEM).first)
            #expect(leaf.spiffeID == "spiffe://hedgerow/operator/admin")
            _ = try await cloud.call(as: renewed) { client in
                try await Registry(wrapping: client).listGroups(.init())
            }
        }
    }

    @Test func enrolmentStandsOnlyOnTheListenerWithoutCertificatesAndRenewalOnlyOnTheOther() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let enroll = try await refusal {
                try await cloud.call(as: admin) { client in
                    try await Provisioning(wrapping: client).enroll(.init())
                }
            }
            #expect(enroll?.reason == .roleNotAllowed)
            let renew = try await refusal {
                try await cloud.call(as: nil) { client in
                    try await Provisioning(wrapping: client).renew(.init())
                }
            }
            #expect(renew?.reason == .noIdentity)
        }
    }

    @Test func thingsCannotCallTheRegistry() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let thing = try await cloud.register(admin, .thing, "t")
            let error = try await refusal {
                try await cloud.call(as: thing) { client in
                    try await Registry(wrapping: client).listThings(.init())
                }
            }
            #expect(error?.reason == .roleNotAllowed)
            #expect(error?.code == .permissionDenied)
        }
    }

    @Test func aTokenNeedsARegisteredThingOfThatKind() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            _ = try await cloud.register(admin, .thing, "t")
            let absent = try await refusal { try await cloud.token(admin, .thing, "absent") }
            #expect(absent?.reason == .notFound)
            let otherKind = try await refusal { try await cloud.token(admin, .core, "t") }
            #expect(otherKind?.reason == .notFound)
            let noRole = try await refusal { try await cloud.token(admin, .unspecified, "t") }
            #expect(noRole?.reason == .invalidField)
        }
    }

    @Test func aRevokedIdentityIsRefusedOnNewConnectionsAndCallsAndItsTokensDie() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let thing = try await cloud.register(admin, .thing, "t")
            let spare = try await cloud.token(admin, .thing, "t").token
            try await cloud.call(as: thing) { thingClient in
                // The connection is up, so that the next call comes over it.
                _ = try await refusal { try await Discovery(wrapping: thingClient).discover(.init()) }
                let revoked = try await cloud.call(as: admin) { client in
                    try await Registry(wrapping: client).revokeCertificates(
                        .with {
                            $0.role = .thing
                            $0.name = "t"
                        }
                    ).revokedCount
                }
                #expect(revoked == 1)
                let error = try await refusal { try await Discovery(wrapping: thingClient).discover(.init()) }
                #expect(error?.reason == .revoked)
            }
            let error = try await refusal { try await cloud.enroll(spare) }
            #expect(error?.reason == .tokenNotAccepted)
            let listed = try await cloud.call(as: admin) { client in
                try await Registry(wrapping: client).getThing(.with { $0.name = "t" }).certificates
            }
            #expect(listed.count == 1)
            #expect(listed.first?.hasRevokeTime == true)
            // A new token makes it whole again.
            let again = try await cloud.enroll(try await cloud.token(admin, .thing, "t").token)
            let found = try await refusal { try await cloud.discover(again) }
            #expect(found?.reason == .notInGroup)
        }
    }
}
