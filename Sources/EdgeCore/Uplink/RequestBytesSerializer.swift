import GRPCCore

/// Passes on requests that are bytes already.
struct RequestBytesSerializer: MessageSerializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: UplinkRequest) throws -> Bytes {
        Bytes(message.bytes)
    }
}
