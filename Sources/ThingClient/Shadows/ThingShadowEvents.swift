/// What happens to a shadow of the thing, in order.
///
/// It begins with the document as it is. After a lost connection it goes on where it broke, without gaps and repeats, as far
/// back as the server keeps events; ``ThingShadowEvent/Kind/skipped`` says where it does not. Another server counts its own
/// versions: having moved to one, the sequence goes on with the document as it is there.
///
/// A sequence whose shadow cannot be watched, because its name is malformed, throws ``ThingError/shadowRefused(reason:detail:)``.
/// One task iterates at a time. The sequence ends when the thing is closed and throws the error that ended the thing; the
/// server is no longer asked when nobody holds the sequence or its iterator any more.
public struct ThingShadowEvents: AsyncSequence, Sendable {
    /// What comes.
    public typealias Element = ThingShadowEvent
    /// What may be thrown: ``ThingError`` or `CancellationError`.
    public typealias Failure = any Error

    final class Handle: Sendable {
        let watch: ShadowWatch
        private let registry: ShadowRegistry

        init(watch: ShadowWatch, registry: ShadowRegistry) {
            self.watch = watch
            self.registry = registry
        }

        deinit { registry.remove(watch) }
    }

    let handle: Handle

    /// Iterates; see ``ThingShadowEvents``.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let handle: Handle

        /// Waits for the next event; nil when the thing was closed.
        public mutating func next() async throws -> ThingShadowEvent? {
            try await handle.watch.next()
        }
    }

    /// An iterator.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(handle: handle)
    }
}
