import Components
import Testing

@Suite("Sizes as people write them")
struct ByteSizeTests {
    @Test(
        "are read in both unit families, with or without a space",
        arguments: [
            ("65536", 65_536), ("64KiB", 65_536), ("64 KiB", 65_536), ("256MiB", 268_435_456),
            ("2GB", 2_000_000_000),
            ("1kB", 1_000), ("3 b", 3), ("0", 0), ("1tib", 1 << 40),
        ] as [(String, UInt64)])
    func reads(text: String, bytes: UInt64) throws {
        #expect(try ByteSize(parsing: text).bytes == bytes)
    }

    @Test(
        "are refused where they are no whole number and unit",
        arguments: [
            "", "MiB", "1.5MiB", "-1", "+1", "1 MiB ", "1XB", "0x10", "18446744073709551616", "99999999TiB",
            "١KiB",
        ])
    func refuses(text: String) {
        let error = #expect(throws: InvalidByteSize.self) { try ByteSize(parsing: text) }
        #expect(error?.description.contains("256MiB") == true)
    }

    @Test("are written in the shortest exact form, which reads back")
    func writes() throws {
        for (bytes, text) in [
            (268_435_456, "256MiB"), (65_537, "65537"), (0, "0"), (1 << 40, "1TiB"), (1_536, "1536"),
        ]
            as [(UInt64, String)]
        {
            let size = ByteSize(bytes: bytes)
            #expect(size.description == text)
            #expect(try ByteSize(parsing: size.description) == size)
        }
    }
}
