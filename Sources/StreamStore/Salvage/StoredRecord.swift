import Foundation
import GRDB

/// A record as it lies in a row or an entry (https://sqlite.org/fileformat2.html#record_format).
enum StoredRecord {
    /// Most values of a record; more are no record.
    private static let maximumValues = 256

    /// Its values; nil where these bytes are no record.
    static func values(_ record: [UInt8]) -> [DatabaseValue]? {
        let bytes = record[...]
        var at = 0
        guard let headerSize = TreePage.number(bytes, &at), headerSize >= Int64(at),
            headerSize <= Int64(bytes.count)
        else { return nil }
        var kinds: [Int64] = []
        while at < headerSize {
            guard kinds.count < maximumValues, let kind = TreePage.number(bytes[..<Int(headerSize)], &at),
                kind >= 0
            else { return nil }
            kinds.append(kind)
        }
        var values: [DatabaseValue] = []
        at = Int(headerSize)
        for kind in kinds {
            guard let size = size(of: kind), size <= bytes.count - at,
                let value = value(of: kind, bytes[at..<at + size])
            else { return nil }
            values.append(value)
            at += size
        }
        return at == bytes.count ? values : nil
    }

    private static func size(of kind: Int64) -> Int? {
        switch kind {
        case 0, 8, 9: 0
        case 1...4: Int(kind)
        case 5: 6
        case 6, 7: 8
        case 12...: Int((kind - 12) / 2)
        default: nil
        }
    }

    private static func value(of kind: Int64, _ bytes: ArraySlice<UInt8>) -> DatabaseValue? {
        switch kind {
        case 0: return .null
        case 8: return Int64(0).databaseValue
        case 9: return Int64(1).databaseValue
        case 1...6:
            let negative: Int64 = (bytes.first ?? 0) & 0x80 == 0 ? 0 : -1
            return bytes.reduce(negative) { $0 << 8 | Int64($1) }.databaseValue
        case 7:
            return Double(bitPattern: bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }).databaseValue
        default:
            if kind % 2 == 0 { return Data(bytes).databaseValue }
            return String(validating: bytes, as: UTF8.self)?.databaseValue
        }
    }
}
