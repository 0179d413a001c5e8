import HedgerowAPI
import Observability
import Testing

@testable import EdgeCore

@Suite("Configuration of the core")
struct ConfigurationTests {
    @Test("the settings' defaults are the configuration's")
    func defaults() throws {
        let settings = try Settings.load(keys: CoreSettings.keys, arguments: [], environment: [:])
        let configuration = try CoreConfiguration(settings)
        let plain = CoreConfiguration()
        #expect(configuration.statePath == plain.statePath && configuration.tokenPath == plain.tokenPath)
        #expect(configuration.listenHost == plain.listenHost && configuration.listenPort == plain.listenPort)
        #expect(configuration.advertise == plain.advertise && configuration.limits == plain.limits)
    }

    @Test("flags and environment reach the configuration")
    func values() throws {
        let settings = try Settings.load(
            keys: CoreSettings.keys,
            arguments: [
                "--state", "/s", "--token", "t.json", "--listen-port", "0", "--advertise", "a,b:1",
                "--limits-messages-per-second-per-thing", "500", "--limits-bytes-per-second-per-thing",
                "64KiB",
            ],
            environment: [
                "HEDGEROW_LISTEN_HOST": "::1", "HEDGEROW_LIMITS_SUBSCRIBER_AGE": "1h",
                "HEDGEROW_LIMITS_CONNECTIONS_PER_THING": "3",
            ])
        let configuration = try CoreConfiguration(settings)
        #expect(configuration.statePath == "/s" && configuration.tokenPath == "t.json")
        #expect(configuration.listenHost == "::1" && configuration.listenPort == 0)
        #expect(configuration.advertise == ["a", "b:1"])
        #expect(configuration.limits.subscriberAge == .seconds(3_600))
        #expect(configuration.limits.messagesPerSecondPerThing == 500)
        #expect(configuration.limits.bytesPerSecondPerThing == 65_536)
        #expect(configuration.limits.connectionsPerThing == 3)
    }

    private func endpoints(_ host: String, _ advertise: [String] = []) throws -> [String] {
        try ReportedAddresses(listenHost: host, advertise: advertise).endpoints(port: 8_445)
            .map { "\($0.host)|\($0.port)" }
    }

    @Test("a core on loopback reports loopback only")
    func loopback() throws {
        #expect(try endpoints("127.0.0.1") == ["127.0.0.1|8445"])
        #expect(try endpoints("localhost") == ["127.0.0.1|8445"])
        #expect(try endpoints("::1") == ["::1|8445"])
    }

    @Test("a core on every address reports the machine's, without loopback and link-local ones")
    func everyAddress() throws {
        for host in ["0.0.0.0", "::"] {
            let hosts = try ReportedAddresses(listenHost: host, advertise: []).endpoints(port: 1).map(\.host)
            #expect(hosts.count <= ReportedAddresses.maximumCount && Set(hosts).count == hosts.count)
            #expect(
                !hosts.contains { $0.hasPrefix("127.") || $0 == "::1" || $0.hasPrefix("fe80") || $0 == host })
        }
    }

    @Test("advertised addresses replace the machine's and may have ports of their own")
    func advertised() throws {
        #expect(
            try endpoints("0.0.0.0", ["pi.local", "10.0.0.2:9000", "[fd00::2]:7", "fd00::3"])
                == ["pi.local|8445", "10.0.0.2|9000", "fd00::2|7", "fd00::3|8445"])
    }

    @Test(
        "addresses that cannot be used are refused",
        arguments: ["", "a b", "a:0", "a:x", ":1", "[::1", "[a]:1"])
    func wrongAdvertised(_ text: String) {
        #expect(throws: InvalidAddress.self) {
            try ReportedAddresses(listenHost: "0.0.0.0", advertise: [text])
        }
    }

    @Test("a host name cannot be listened at")
    func wrongListen() {
        #expect(throws: InvalidAddress.self) { try ReportedAddresses(listenHost: "pi.local", advertise: []) }
    }
}
