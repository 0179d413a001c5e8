import GRPCNIOTransportCore

/// How long what is written waits for more before it is sent.
///
/// By default grpc-swift waits 100 µs, several times on the way of a reading and of its acknowledgement. Here it waits for what
/// else there is to write at this moment, and no longer: what one turn of the event loop writes goes out together, and a
/// single reading is not held up.
enum FlushDelay {
    static let bytes = 64 << 10
    static let server = HTTP2ServerTransport.Config.Connection.FlushCoalescing(
        maxFlushDelay: .zero, maxBytes: bytes)
    static let client = HTTP2ClientTransport.Config.Connection.FlushCoalescing(
        maxFlushDelay: .zero, maxBytes: bytes)
}
