public import FoundationEssentials
import Identity
import RPCSupport
public import ServiceLifecycle
import Synchronization

/// A thing: enrols once, finds its core, stays connected, publishes, hears commands, and has shadows.
///
/// The scoped form is the shortest and flushes at its end:
///
/// ```swift
/// try await withThing(token: "bme680-1.token") { thing in
///     try await thing.publish("bme680/readings", ["temperature": 21.4])
/// }
/// ```
///
/// In a program that has a `ServiceGroup`, a thing is one of its services; it flushes on graceful shutdown.
/// Everything works while ``run()`` is running; what is published before is kept until then.
///
/// Messages of QoS 1 (the default) are kept in memory until a server has them on disk, sent again after every
/// lost connection, and stored exactly once. Memory is bounded by ``PublisherLimits``.
public final class Thing: Service, Sendable {
    /// What it was made with.
    public let configuration: ThingConfiguration
    private let publisher: Publisher
    private let subscriptions = SubscriptionRegistry()
    let shadows: ShadowRegistry
    private let network: any ThingNetwork
    private let started = Mutex(false)

    /// Makes a thing. Nothing happens before ``run()``.
    ///
    /// - Throws: ``ThingError/invalidConfiguration(_:)``.
    public convenience init(configuration: ThingConfiguration) throws {
        if configuration.token == nil, configuration.state == nil {
            throw ThingError.invalidConfiguration(
                "A thing needs a token file (from `hedgerow things create`) or the state directory of an earlier "
                    + "enrolment.")
        }
        try self.init(configuration: configuration, network: CloudNetwork(configuration: configuration))
    }

    init(configuration: ThingConfiguration, network: any ThingNetwork) throws {
        do { try EntityName.validate(configuration.stream) } catch {
            throw ThingError.invalidConfiguration("The stream's \(error.description).")
        }
        guard (1...10_000).contains(configuration.commandBuffer) else {
            throw ThingError.invalidConfiguration(
                "The command buffer holds 1 to 10,000 messages, not \(configuration.commandBuffer).")
        }
        self.configuration = configuration
        self.network = network
        self.shadows = ShadowRegistry(backoff: configuration.backoff, clock: configuration.clock)
        var generator = SystemRandomNumberGenerator()
        let epoch = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        self.publisher = Publisher(epoch: epoch, limits: configuration.limits, onEvent: configuration.onEvent)
    }

    deinit {
        subscriptions.end(.success(()))
        shadows.end(.success(()))
    }

    /// Counts so far.
    public var statistics: ThingStatistics { publisher.statistics }

    /// Whether ``run()`` has ended.
    public var hasEnded: Bool { publisher.hasEnded }

    /// What failed last while there is no connection, for people; nil while connected.
    public var lastProblem: String? { publisher.lastProblem }

    // MARK: publishing

    /// Publishes a reading: `try await thing.publish("room/air", ["temperature": 21.4])`.
    ///
    /// Returns when the message is buffered (QoS 1) or handed to the connection or dropped (QoS 0). With a full
    /// buffer it waits or drops the oldest, as ``ThingConfiguration/overflow`` says.
    ///
    /// - Parameters:
    ///   - topic: 1 to 256 bytes, at most 8 levels, no wildcards.
    ///   - values: 1 to 256 named values.
    ///   - units: Units by field name.
    ///   - time: When it was sampled; now where it is nil.
    ///   - qos: ``DeliveryGuarantee/atLeastOnce`` by default.
    /// - Throws: ``ThingError/invalidMessage(_:)``, ``ThingError/closed``, whatever ended ``run()``,
    ///   `CancellationError`.
    @discardableResult
    public func publish(
        _ topic: String, _ values: [String: ReadingValue], units: [String: String] = [:], time: Date? = nil,
        qos: DeliveryGuarantee = .atLeastOnce
    ) async throws -> PublicationReceipt {
        try await publish(
            OutgoingMessage(topic: topic, values: values, units: units, time: time ?? configuration.now()),
            qos: qos)
    }

    /// Publishes opaque bytes, at most 1 MiB; otherwise like ``publish(_:_:units:time:qos:)``.
    @discardableResult
    public func publish(
        _ topic: String, payload: [UInt8], contentType: String = "application/octet-stream",
        time: Date? = nil,
        qos: DeliveryGuarantee = .atLeastOnce
    ) async throws -> PublicationReceipt {
        try await publish(
            OutgoingMessage(
                topic: topic, payload: payload, contentType: contentType, time: time ?? configuration.now()),
            qos: qos)
    }

    /// Publishes a message that was made before; otherwise like ``publish(_:_:units:time:qos:)``.
    @discardableResult
    public func publish(
        _ message: OutgoingMessage, qos: DeliveryGuarantee = .atLeastOnce
    ) async throws -> PublicationReceipt {
        try await publisher.publish(message, qos: qos, policy: configuration.overflow)
    }

    /// Publishes at QoS 1 and waits until a server has the message on disk.
    ///
    /// Waits for as long as the line is down; cancel the task to give up waiting (the message stays buffered).
    ///
    /// - Throws: What ``publish(_:qos:)`` throws; ``ThingError/rejected(reason:detail:count:)``;
    ///   ``ThingError/dropped(sequence:)``.
    @discardableResult
    public func publishAndWait(_ message: OutgoingMessage) async throws -> PublicationReceipt {
        let receipt = try await publisher.publish(
            message, qos: .atLeastOnce, policy: configuration.overflow, awaited: true)
        try await publisher.outcome(of: receipt.sequence)
        return receipt
    }

    /// Publishes a reading at QoS 1 and waits; see ``publishAndWait(_:)``.
    @discardableResult
    public func publishAndWait(
        _ topic: String, _ values: [String: ReadingValue], units: [String: String] = [:], time: Date? = nil
    ) async throws -> PublicationReceipt {
        try await publishAndWait(
            OutgoingMessage(topic: topic, values: values, units: units, time: time ?? configuration.now()))
    }

    /// Waits until everything published so far is acknowledged, and QoS 0 messages are on their way.
    ///
    /// - Parameter timeout: How long; ``ThingConfiguration/flushTimeout`` where it is nil.
    /// - Throws: ``ThingError/notAcknowledged(count:of:after:lastProblem:)``;
    ///   ``ThingError/rejected(reason:detail:count:)`` where messages were refused since the last flush, those
    ///   that ``publishAndWait(_:)`` reported not counted;
    ///   whatever ended ``run()``.
    public func flush(timeout: Duration? = nil) async throws {
        let limit = timeout ?? configuration.flushTimeout
        let publisher = publisher
        let done: Void? = try await Deadline.run(limit, clock: configuration.clock) {
            try await publisher.drain()
        }
        if done == nil { throw unacknowledged(after: limit) }
    }

    private func unacknowledged(after limit: Duration) -> ThingError {
        let statistics = publisher.statistics
        return .notAcknowledged(
            count: statistics.unsettled, of: statistics.published, after: limit,
            lastProblem: publisher.lastProblem)
    }

    /// Waits until a server has taken the session. QoS 0 messages published earlier are dropped.
    ///
    /// - Throws: Whatever ended ``run()``; `CancellationError`.
    public func waitUntilConnected() async throws {
        try await publisher.connected()
    }

    // MARK: subscribing

    /// Subscribes to messages that come down to this thing.
    ///
    /// The subscription survives lost connections and changes of core.
    ///
    /// - Parameters:
    ///   - filters: 1 to 100 topic filters (MQTT 3.1.1).
    ///   - qos: With ``DeliveryGuarantee/atLeastOnce`` messages wait for the thing while it is away, within the
    ///     bound of the server's queue.
    /// - Throws: ``ThingError/invalidMessage(_:)`` for a malformed filter;
    ///   ``ThingError/invalidConfiguration(_:)`` above 10 subscriptions, or above one at QoS 1: give that one
    ///   all its filters.
    public func commands(
        _ filters: String..., qos: DeliveryGuarantee = .atLeastOnce
    ) throws -> CommandSequence {
        try commands(filters, qos: qos)
    }

    /// Subscribes to messages that come down to this thing; see ``commands(_:qos:)-(String...,_)``.
    public func commands(_ filters: [String], qos: DeliveryGuarantee = .atLeastOnce) throws -> CommandSequence
    {
        let subscription = try subscriptions.add(
            filters: filters, qos: qos, capacity: configuration.commandBuffer)
        return CommandSequence(
            handle: CommandSequence.Handle(subscription: subscription, registry: subscriptions))
    }

    // MARK: running

    /// Keeps the thing connected until it is closed, shut down gracefully, or cancelled. Once only.
    ///
    /// - Throws: ``ThingError/enrollmentRefused(_:)``, ``ThingError/stateUnusable(_:)``,
    ///   ``ThingError/invalidConfiguration(_:)``, ``ThingError/superseded(_:)``;
    ///   ``ThingError/notAcknowledged(count:of:after:lastProblem:)`` where closing came to the flush time-out;
    ///   `CancellationError`.
    public func run() async throws {
        let first = started.withLock { started in
            defer { started = true }
            return !started
        }
        guard first else { throw ThingError.invalidConfiguration("A thing's run() can run only once.") }
        do {
            try await withGracefulShutdownHandler {
                try await runUntilClosed()
            } onGracefulShutdown: {
                self.publisher.beginClosing()
            }
            publisher.end(.closed)
            subscriptions.end(.success(()))
            shadows.end(.success(()))
        } catch {
            let reason = error as? ThingError ?? .closed
            publisher.end(reason)
            let result: Result<Void, ThingError> =
                error is CancellationError ? .success(()) : .failure(reason)
            subscriptions.end(result)
            shadows.end(result)
            throw error
        }
    }

    /// Takes nothing new, and lets ``run()`` return when everything is acknowledged or the flush time-out is
    /// over.
    public func close() {
        publisher.beginClosing()
    }

    private static let partingTime: Duration = .seconds(2)

    private func runUntilClosed() async throws {
        let report: @Sendable (ThingEvent) -> Void = { [publisher] in publisher.report($0) }
        let loop = ConnectionLoop(
            publisher: publisher, subscriptions: subscriptions, shadows: shadows, network: network,
            stream: configuration.stream,
            connectTimeout: configuration.connectTimeout, clock: configuration.clock, now: configuration.now,
            backoff: configuration.backoff)
        let closedInTime = try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask { [network] in
                try await network.prepare(report: report)
                try await withThrowingTaskGroup(of: Void.self) { inner in
                    inner.addTask { try await network.maintain(report: report) }
                    defer { inner.cancelAll() }
                    try await loop.run()
                }
                return true
            }
            group.addTask { [publisher, configuration] in
                try await publisher.closingBegan()
                try await configuration.clock.sleep(for: configuration.flushTimeout)
                return false
            }
            group.addTask { [publisher, configuration] in
                // With nothing left to send, the server gets a moment to end the stream in good order.
                try await publisher.closingBegan()
                try await publisher.settled()
                try await configuration.clock.sleep(for: Self.partingTime)
                return true
            }
            defer { group.cancelAll() }
            return try await group.next() ?? true
        }
        if !closedInTime, !publisher.isDrained { throw unacknowledged(after: configuration.flushTimeout) }
    }
}
