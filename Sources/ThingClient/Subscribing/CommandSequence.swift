/// Messages that come down to the thing, in the order of their arrival.
///
/// With QoS 1 a message is acknowledged when the next one is asked for, so the body of
/// `for try await command in thing.commands(…)` is the handler, and a message whose handler threw or never
/// came to its end is delivered again. The same message is handed out once, also when it comes again by
/// another core, as far back as 4,096 messages.
///
/// One task iterates at a time. The sequence ends when the thing is closed and throws the error that ended
/// the thing; the subscription itself ends when nobody holds the sequence or its iterator any more.
public struct CommandSequence: AsyncSequence, Sendable {
    /// What comes.
    public typealias Element = ReceivedMessage
    /// What may be thrown: ``ThingError`` or `CancellationError`.
    public typealias Failure = any Error

    final class Handle: Sendable {
        let subscription: Subscription
        private let registry: SubscriptionRegistry

        init(subscription: Subscription, registry: SubscriptionRegistry) {
            self.subscription = subscription
            self.registry = registry
        }

        deinit { registry.remove(subscription) }
    }

    let handle: Handle

    /// Iterates; see ``CommandSequence``.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let handle: Handle
        private var current: SubscriptionBuffer.Item?

        init(handle: Handle) {
            self.handle = handle
        }

        /// Acknowledges the message before and waits for the next one; nil when the thing was closed.
        public mutating func next() async throws -> ReceivedMessage? {
            let previous = current
            current = nil
            current = try await handle.subscription.next(after: previous)
            return current?.message
        }
    }

    /// An iterator.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(handle: handle)
    }
}
