import Foundation
import Observability
import Testing

@testable import Cloud

/// Settings become a configuration.
@Suite struct CloudSettingsTests {
    @Test func theDefaultsAreThoseOfTheConfiguration() throws {
        let settings = try Settings.load(keys: CloudSettings.keys, arguments: [], environment: [:])
        let configuration = try CloudConfiguration(settings)
        #expect(configuration == CloudConfiguration(stateDirectory: "/var/lib/hedgerow-cloud"))
        try configuration.validate()
    }

    @Test(
        "versions are replaced on loopback only",
        arguments: ["127.0.0.1", "localhost", "::1", "0.0.0.0", "192.0.2.1"])
    func developmentIsForLoopback(host: String) throws {
        let listener = CloudConfiguration.Listener(host: host, port: 0)
        let loopback = CloudConfiguration.Listener(host: "127.0.0.1", port: 0)
        for (first, second) in [(listener, loopback), (loopback, listener)] {
            let configuration = CloudConfiguration(
                stateDirectory: "s", listener: first, enrollmentListener: second)
            try configuration.validate()
            if ["127.0.0.1", "localhost", "::1"].contains(host) {
                try configuration.replacingVersions(true).validate()
            } else {
                #expect(throws: CloudStartError.self) { try configuration.replacingVersions(true).validate() }
            }
        }
    }

    @Test func flagsGoOverTheEnvironment() throws {
        let settings = try Settings.load(
            keys: CloudSettings.keys,
            arguments: [
                "--state", "s", "--listen-port", "0", "--advertise", "cloud.example,192.0.2.1:9",
                "--retention-max-age",
                "7d", "--trust-domain", "flag.example",
            ],
            environment: [
                "HEDGEROW_TRUST_DOMAIN": "environment.example", "HEDGEROW_RETENTION_MAX_SIZE": "2MiB",
                "HEDGEROW_AUTHORITY_ROTATION": "12h",
            ])
        let configuration = try CloudConfiguration(settings)
        #expect(configuration.stateDirectory == "s")
        #expect(configuration.listener.port == 0)
        #expect(configuration.advertisedAddresses == ["cloud.example", "192.0.2.1:9"])
        #expect(configuration.trustDomain == "flag.example")
        #expect(configuration.retention.maximumAge == .seconds(7 * 86_400))
        #expect(configuration.retention.maximumBytes == 2 << 20)
        #expect(configuration.authorityRotation == .seconds(12 * 3_600))
    }
}
