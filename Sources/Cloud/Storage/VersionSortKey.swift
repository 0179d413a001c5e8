import Components
import FoundationEssentials

/// A version as bytes whose order, compared one by one as SQLite compares blobs, is that of versions: semver's
/// precedence (section 11), and build metadata where that leaves a tie. So an index finds the highest version,
/// and pages come in order.
///
/// Major, minor and patch are eight bytes each, the highest first. Then `0xFF` in a release; in a pre-release
/// its identifiers: `0x01`, the number of digits (two bytes) and the digits, or `0x02`, the text and `0x00`; and
/// `0x00` at their end. Then the parts of the build metadata, each with `0x01` before and `0x00` behind it. No
/// two versions have the same key.
enum VersionSortKey {
    /// The key of a version, at most 600 bytes.
    static func key(of version: SemanticVersion) -> Data {
        var bytes = Data()
        for number in [version.major, version.minor, version.patch] {
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(shift)))
            }
        }
        if version.isPrerelease {
            for identifier in version.prerelease { append(identifier, to: &bytes) }
            bytes.append(0x00)
        } else {
            bytes.append(0xFF)
        }
        for part in version.build {
            bytes.append(0x01)
            bytes.append(contentsOf: part.utf8)
            bytes.append(0x00)
        }
        return bytes
    }

    private static func append(_ identifier: SemanticVersion.Identifier, to bytes: inout Data) {
        let text = identifier.description.utf8
        if identifier.isNumeric {
            bytes.append(0x01)
            bytes.append(UInt8(truncatingIfNeeded: text.count >> 8))
            bytes.append(UInt8(truncatingIfNeeded: text.count))
            bytes.append(contentsOf: text)
        } else {
            bytes.append(0x02)
            bytes.append(contentsOf: text)
            bytes.append(0x00)
        }
    }
}
