import Foundation
import GRPCCore
import HedgerowAPI

/// Pages of lists of shadows (https://google.aip.dev/158).
enum ShadowPaging {
    /// Entries of a page where the request does not say.
    static let standard = 100
    /// Most entries of a page.
    static let maximum = 1_000
    /// Most entries of a page that have documents; the rest follows on further pages.
    static let withDocuments = 50
    /// A page ends early above so many bytes, far below the limit of a gRPC message.
    static let bytes = 1 << 20

    /// The size of a page.
    static func size(_ requested: UInt32) throws(HedgerowError) -> Int {
        guard requested <= maximum else {
            throw .shadowField("page_size", "is \(requested); at most \(maximum) is allowed")
        }
        return requested == 0 ? standard : Int(requested)
    }

    /// A token that goes on behind an entry of a list; one of another list is refused.
    static func token(list: String, after last: String) -> String {
        Data("1\n\(list)\n\(last)".utf8).base64EncodedString()
    }

    /// The entry that a token goes on behind; nil for the first page.
    static func last(in token: String, list: String) throws(HedgerowError) -> String? {
        if token.isEmpty { return nil }
        let text = token.utf8.count <= 1_024 ? Data(base64Encoded: token) : nil
        let parts = text.map {
            String(decoding: $0, as: UTF8.self).split(
                separator: "\n", maxSplits: 2, omittingEmptySubsequences: false)
        }
        guard let parts, parts.count == 3, parts[0] == "1", parts[1] == list else { throw foreign }
        return String(parts[2])
    }

    /// A token that is a number.
    static func number(in token: String, list: String) throws(HedgerowError) -> Int64? {
        guard let last = try last(in: token, list: list) else { return nil }
        guard let number = Int64(last) else { throw foreign }
        return number
    }

    static let foreign = HedgerowError(
        .outOfRange, .badPageToken,
        "the page_token does not belong to this list; start again without it")

    /// How many entries fit a page, at least one: the store was asked for one more than `size`.
    static func count<Entry>(_ entries: [Entry], size: Int, bytesOf: (Entry) -> Int) -> Int {
        var total = 0
        for (index, entry) in entries.prefix(size).enumerated() {
            total += bytesOf(entry)
            if index > 0, total > bytes { return index }
        }
        return min(entries.count, size)
    }
}
