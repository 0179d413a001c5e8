import HedgerowAPI
import RPCSupport
import SwiftProtobuf

/// A `PublishRequest` as bytes, put together from batches that are bytes already: what nothing changed is sent as it
/// was stored, neither decoded nor encoded.
///
/// A protobuf message is its fields one after the other, each with its tag (protobuf.dev/programming-guides/encoding),
/// so that the batch may stand behind the other fields of its publication.
struct UplinkRequest {
    // Field number << 3 | 2 (a length, then as many bytes).
    private static let publicationsTag: UInt8 = 2 << 3 | 2
    private static let lostTag: UInt8 = 3 << 3 | 2
    private static let batchTag: UInt8 = 2 << 3 | 2

    /// The request; empty where it says nothing.
    private(set) var bytes: [UInt8] = []

    var isEmpty: Bool { bytes.isEmpty }

    /// Makes room.
    mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

    /// Adds the rest of a request.
    mutating func append(_ request: PublishRequest) throws {
        bytes.append(contentsOf: try request.serializedBytes() as [UInt8])
    }

    /// Adds a batch.
    ///
    /// - Parameters:
    ///   - batch: As bytes.
    ///   - publication: Everything else that is said of it.
    mutating func append(batch: [UInt8], in publication: Publication) throws {
        let head: [UInt8] = try publication.serializedBytes()
        bytes.append(Self.publicationsTag)
        append(varint: head.count + 1 + Self.size(ofVarint: batch.count) + batch.count)
        bytes.append(contentsOf: head)
        bytes.append(Self.batchTag)
        append(varint: batch.count)
        bytes.append(contentsOf: batch)
    }

    /// Adds a publication.
    mutating func append(_ publication: Publication) throws {
        let encoded: [UInt8] = try publication.serializedBytes()
        bytes.append(Self.publicationsTag)
        append(varint: encoded.count)
        bytes.append(contentsOf: encoded)
    }

    /// Adds sequences that will never be sent.
    mutating func append(_ lost: WireLostRange) throws {
        let encoded: [UInt8] = try lost.serializedBytes()
        bytes.append(Self.lostTag)
        append(varint: encoded.count)
        bytes.append(contentsOf: encoded)
    }

    private mutating func append(varint value: Int) {
        var rest = UInt(value)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private static func size(ofVarint value: Int) -> Int {
        max(1, (UInt.bitWidth - UInt(value).leadingZeroBitCount + 6) / 7)
    }
}
