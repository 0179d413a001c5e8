import GRPCCore

/// Passes bytes that are a message already: a load generator encodes each batch once, not each time.
struct BytesSerializer: MessageSerializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Bytes { Bytes(message) }
}
