import Foundation
import TestSupport
import Testing

@testable import StreamStore

@Suite struct CRC32CTests {
    /// Check value of the catalogue of parametrised CRC algorithms, and the examples of RFC 3720, B.4.
    @Test func publishedValuesAreReached() {
        #expect(CRC32C.of(Array("123456789".utf8)) == 0xE306_9283)
        #expect(CRC32C.of([]) == 0)
        #expect(CRC32C.of([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(CRC32C.of([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(CRC32C.of((0..<32).map { UInt8($0) }) == 0x46DD_794E)
        #expect(CRC32C.of((0..<32).reversed().map { UInt8($0) }) == 0x113F_DB5C)
    }

    @Test func everyLengthAndEveryDivisionGivesTheSameAsBitByBit() {
        var random = SeededGenerator(seed: 1)
        for length in 0..<70 {
            let bytes = (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            var expected = UInt32.max
            for byte in bytes {
                expected ^= UInt32(byte)
                for _ in 0..<8 { expected = expected & 1 == 1 ? expected >> 1 ^ 0x82F6_3B78 : expected >> 1 }
            }
            #expect(CRC32C.of(bytes) == ~expected)
            var parts = CRC32C()
            let cut = Int.random(in: 0...length, using: &random)
            bytes[..<cut].withUnsafeBytes { parts.add($0) }
            bytes[cut...].withUnsafeBytes { parts.add($0) }
            #expect(parts.value == ~expected)
        }
    }

    @Test func absentAndEmptyValuesHaveSumsOfTheirOwn() {
        func sum(_ body: (inout FieldSum) -> Void) -> Int64 {
            var fields = FieldSum()
            body(&fields)
            return fields.value
        }
        let sums = [
            sum { $0.add(nil as String?) }, sum { $0.add("") }, sum { $0.add("a") }, sum { $0.add(0) },
            sum { $0.add(Data([0])) },
            sum {
                $0.add("a")
                $0.add("b")
            },
            sum {
                $0.add("ab")
                $0.add("")
            },
        ]
        #expect(Set(sums).count == sums.count)
    }
}
