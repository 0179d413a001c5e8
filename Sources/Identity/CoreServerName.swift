/// The DNS name that a core's server certificates carry, whatever the core's addresses are.
///
/// Clients use it as TLS server name and HTTP/2 authority. A core's name cannot be used itself: it may be longer
/// than a DNS label, and case matters in it.
public enum CoreServerName {
    /// `core-` and 32 hexadecimal digits of the name's FNV-1a hash (128 bit,
    /// http://www.isthe.com/chongo/tech/comp/fnv/), under `hedgerow.internal`.
    ///
    /// The same for ever: it is in certificates. It says nothing about who a server is; that does the SPIFFE
    /// ID, which clients check.
    public static func name(forCore core: String) -> String {
        var hash: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d
        let prime: UInt128 = 0x0000_0000_0100_0000_0000_0000_0000_013b
        for byte in core.utf8 {
            hash ^= UInt128(byte)
            hash = hash &* prime
        }
        let digits = String(hash, radix: 16)
        return "core-" + String(repeating: "0", count: 32 - digits.utf8.count) + digits + ".hedgerow.internal"
    }
}
