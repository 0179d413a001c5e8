import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf

/// Pages of lists (https://google.aip.dev/158).
enum Paging {
    /// Entries of a page where the request does not say.
    static let defaultSize = 100
    /// Most entries of a page.
    static let maximumSize = 1_000
    /// A page ends early above so many bytes, far below the limit of a gRPC message (lesson 29).
    static let maximumBytes = 1 << 20

    /// The size of a page.
    ///
    /// - Throws: `HedgerowError` `INVALID_FIELD` above ``maximumSize``.
    static func size(_ requested: UInt32) throws(HedgerowError) -> Int {
        guard requested <= maximumSize else {
            throw HedgerowError(violations: [
                .init(field: "page_size", description: "is \(requested); at most \(maximumSize) is allowed")
            ])
        }
        return requested == 0 ? defaultSize : Int(requested)
    }

    /// A token that goes on after an entry of a list.
    ///
    /// - Parameter list: the list with its filters; a token of one is refused by another.
    static func token(list: String, after last: String) -> String {
        Base64URL.encode(Array("1\n\(list)\n\(last)".utf8))
    }

    /// The entry that a token goes on after; nil for the first page.
    ///
    /// - Throws: `HedgerowError` `BAD_PAGE_TOKEN`.
    static func last(in token: String, list: String) throws(HedgerowError) -> String? {
        if token.isEmpty { return nil }
        let parts = (token.utf8.count <= 1_024 ? Base64URL.decode(token) : nil).map { bytes in
            String(decoding: bytes, as: UTF8.self).split(
                separator: "\n", maxSplits: 2, omittingEmptySubsequences: false)
        }
        guard let parts, parts.count == 3, parts[0] == "1", parts[1] == list else {
            throw foreignToken
        }
        return String(parts[2])
    }

    /// A token that another list gave, or nobody.
    static let foreignToken = HedgerowError(
        .outOfRange, .badPageToken,
        "the page_token does not belong to this list with these filters; start again without it")

    /// As many of the entries as fit a page: the store was asked for one more than `size`.
    ///
    /// - Returns: the page, and whether more follow.
    static func page<Entry: Message>(_ entries: [Entry], size: Int) -> (entries: [Entry], more: Bool) {
        var bytes = 0
        var page: [Entry] = []
        for entry in entries.prefix(size) {
            bytes += (try? entry.serializedData().count) ?? 0
            if !page.isEmpty, bytes > maximumBytes { break }
            page.append(entry)
        }
        return (page, page.count < entries.count)
    }
}
