import PKI
import Testing

@testable import Cloud

/// Which names go into certificates and token files.
@Suite struct AddressTests {
    @Test func aCertificateTakesNamesAndAddressesAndLeavesOutTheRest() {
        let names = ServerNames(
            stableName: "core-1.internal",
            addresses: [
                "192.0.2.1", "[2001:db8::1]", "2001:db8::1", "Pi.Local", "pi.local", "-bad", "", "a b",
            ])
        #expect(names.dnsNames == ["core-1.internal", "pi.local"])
        #expect(names.ipAddresses == ["192.0.2.1", "2001:db8::1"])
    }

    @Test func aCertificateHasNoMoreNamesThanItMay() {
        let names = ServerNames(stableName: "s", addresses: (0..<200).map { "h\($0).example" })
        #expect(names.dnsNames.count == CertificateAuthority.maximumNames)
    }

    @Test func advertisedAddressesMayHavePortsOfTheirOwn() throws {
        var configuration = CloudConfiguration(stateDirectory: "s")
        configuration.advertisedAddresses = ["cloud.example", "192.0.2.1:9443", "[2001:db8::1]:9443"]
        let addresses = try AdvertisedAddresses(configuration)
        let endpoints = addresses.endpoints(cloudPort: 1, enrollmentPort: 2)
        #expect(
            endpoints.cloud.map(\.description) == ["cloud.example:1", "192.0.2.1:9443", "[2001:db8::1]:9443"])
        #expect(
            endpoints.enrollment.map(\.description) == ["cloud.example:2", "192.0.2.1:2", "[2001:db8::1]:2"])
        #expect(addresses.hosts == ["cloud.example", "192.0.2.1", "2001:db8::1"])
    }

    @Test func aWildcardListenerAdvertisesWhereItCanBeReached() throws {
        let addresses = try AdvertisedAddresses(CloudConfiguration(stateDirectory: "s"))
        #expect(addresses.hosts.contains("127.0.0.1"))
        #expect(!addresses.hosts.contains("0.0.0.0"))
        var configuration = CloudConfiguration(stateDirectory: "s")
        configuration.listener.host = "127.0.0.1"
        #expect(try AdvertisedAddresses(configuration).cloud.map(\.host) == ["127.0.0.1"])
    }
}
