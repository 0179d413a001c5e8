import NIOCore

/// Hands what was read on in a buffer of just that size.
///
/// TLS reads into one buffer of 32 KiB for each connection and hands out slices of it. HTTP/2's decoder holds on to the
/// last one, so that the next read copies the whole buffer, and the decoder copies it once more: 64 KiB in memory and as
/// many to copy with each small message. A copy of what was read, here, makes both small.
final class OwnBuffers: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.fireChannelRead(wrapInboundOut(copy(of: data, context.channel.allocator)))
    }

    /// In a function of its own: the slice is gone when the copy goes on.
    private func copy(of data: NIOAny, _ allocator: ByteBufferAllocator) -> ByteBuffer {
        allocator.buffer(buffer: unwrapInboundIn(data))
    }
}
