/// Numbers of bytes as people read them, rounded: `812 B`, `1.5 KiB`, `50.0 MiB`.
public enum ByteText {
    /// Says a number of bytes.
    public static func text(_ bytes: UInt64) -> String {
        if bytes < 1_000 { return "\(bytes) B" }
        var value = Double(bytes) / 1_024
        var unit = "KiB"
        for larger in ["MiB", "GiB", "TiB"] where value >= 1_000 {
            value /= 1_024
            unit = larger
        }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) \(unit)"
    }
}
