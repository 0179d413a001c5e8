import GRPCCore
import GRPCProtobuf
import HedgerowAPI

/// Decodes requests of `Publish` and keeps the bytes of their batches.
struct ArrivedPublishRequestDeserializer: MessageDeserializer {
    // `PublishRequest.publications`, `Publication.batch` and `.message`.
    private static let publications: UInt64 = 2
    private static let batch: UInt64 = 2
    private static let message: UInt64 = 3

    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> ArrivedPublishRequest {
        let request = try ProtobufDeserializer<PublishRequest>().deserialize(bytes)
        let batches = bytes.withUnsafeBytes { Self.batches(in: $0) }
        return ArrivedPublishRequest(request, batches: batches)
    }

    private static func batches(in bytes: UnsafeRawBufferPointer) -> [[UInt8]?] {
        var batches: [[UInt8]?] = []
        var fields = WireFields(bytes)
        while let field = fields.next() {
            guard field.number == publications, let content = field.content else { continue }
            batches.append(onlyBatch(in: content))
        }
        return batches
    }

    /// The one batch of a publication. Protobuf joins a message that stands there in several parts, and lets the last
    /// member of a `oneof` win: then the bytes of one part are not the batch.
    private static func onlyBatch(in publication: UnsafeRawBufferPointer) -> [UInt8]? {
        var found: UnsafeRawBufferPointer?
        var fields = WireFields(publication)
        while let field = fields.next() {
            if field.number == message { return nil }
            guard field.number == batch else { continue }
            guard found == nil, let content = field.content else { return nil }
            found = content
        }
        return found.map { [UInt8]($0) }
    }
}
