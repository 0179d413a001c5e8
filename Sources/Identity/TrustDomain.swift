/// The rule for trust domains: `[a-z0-9._-]{1,255}`
/// (https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md, section 2.1).
public enum TrustDomain {
    /// Most bytes that a trust domain may have.
    public static let maximumLength = 255

    /// Whether a trust domain follows the rule. Upper case does not: identities are compared byte by byte.
    public static func isValid(_ trustDomain: String) -> Bool {
        (1...maximumLength).contains(trustDomain.utf8.count)
            && trustDomain.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
