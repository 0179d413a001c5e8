import Foundation
import RPCSupport

/// Where a page of history ended: the next one begins with what sorts behind it.
///
/// History is sorted by sample time, batch and row, each descending.
struct HistoryPosition: Hashable, Comparable, Sendable {
    let time: Int64
    let batch: Int64
    let row: Int

    /// Before everything: where a first page begins.
    static let newest = HistoryPosition(time: .max, batch: .max, row: .max)

    /// Whether this sorts before the other in ascending order.
    static func < (a: HistoryPosition, b: HistoryPosition) -> Bool {
        (a.time, a.batch, a.row) < (b.time, b.batch, b.row)
    }

    /// As a page token that only the same query can use.
    func token(fingerprint: String) -> String {
        Data("\(time):\(batch):\(row):\(fingerprint)".utf8).base64EncodedString()
    }

    /// Reads a page token; nil where it is none of this query's.
    init?(token: String, fingerprint: String) {
        guard let data = Data(base64Encoded: token), let text = String(data: data, encoding: .utf8) else {
            return nil
        }
        let parts = text.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4, parts[3] == fingerprint, let time = Int64(parts[0]),
            (Microseconds.minimum...Microseconds.maximum).contains(time), let batch = Int64(parts[1]),
            let row = Int(parts[2])
        else { return nil }
        self.init(time: time, batch: batch, row: row)
    }

    init(time: Int64, batch: Int64, row: Int) {
        self.time = time
        self.batch = batch
        self.row = row
    }
}
