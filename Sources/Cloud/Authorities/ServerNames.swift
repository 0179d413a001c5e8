import PKI

/// The names in a server certificate: the one that never changes, and those of the server's addresses that a
/// certificate can carry.
struct ServerNames: Hashable, Sendable {
    /// Stable name first.
    private(set) var dnsNames: [String]
    private(set) var ipAddresses: [String] = []

    /// Sorts addresses into DNS names and IP literals. Repeats, and what is neither, are left out; so is what is
    /// above the limit of a certificate.
    init(stableName: String, addresses: [String]) {
        dnsNames = [stableName]
        for address in addresses {
            if IPLiteral(address) != nil {
                let bare = address.first == "[" ? String(address.dropFirst().dropLast()) : address
                if ipAddresses.count < CertificateAuthority.maximumNames, !ipAddresses.contains(bare) {
                    ipAddresses.append(bare)
                }
            } else if Self.isDNSName(address) {
                let name = address.lowercased()
                if dnsNames.count < CertificateAuthority.maximumNames, !dnsNames.contains(name) {
                    dnsNames.append(name)
                }
            }
        }
    }

    /// Letters, digits and inner hyphens in labels of at most 63 bytes, 253 in all (RFC 1035, section 2.3).
    static func isDNSName(_ text: String) -> Bool {
        guard !text.isEmpty, text.utf8.count <= 253 else { return false }
        return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                        true
                    default: false
                    }
                }
        }
    }
}
