import Synchronization

/// Whether a server and its services are ready for calls.
public enum ServingStatus: Hashable, Sendable {
    /// Calls are served.
    case serving
    /// Calls are not served.
    case notServing
}

/// What the health service says: set by whoever knows, read and watched over the wire.
///
/// Bounded: at most 256 services and 1,024 watchers.
public final class HealthRegistry: Sendable {
    /// Most watchers at once.
    public static let maximumWatchers = 1_024
    /// Most services.
    public static let maximumServices = 256

    private struct State {
        var statuses: [String: ServingStatus] = ["": .notServing]
        var isShutDown = false
        var nextID: UInt64 = 0
        var watchers: [UInt64: (service: String, continuation: AsyncStream<ServingStatus?>.Continuation)] =
            [:]
    }

    private let state = Mutex(State())

    /// Makes a registry in which the server as a whole (the empty name) is not serving yet.
    public init() {}

    /// Sets a status and tells those who watch it. Without effect after ``shutDown()``.
    ///
    /// - Parameters:
    ///   - status: the new status.
    ///   - service: full name of a service; empty for the server as a whole.
    public func set(_ status: ServingStatus, for service: String = "") {
        state.withLock { state in
            guard !state.isShutDown, state.statuses[service] != status else { return }
            guard state.statuses[service] != nil || state.statuses.count < Self.maximumServices else {
                return
            }
            state.statuses[service] = status
            for watcher in state.watchers.values where watcher.service == service {
                watcher.continuation.yield(status)
            }
        }
    }

    /// The status of a service; nil where it is not known.
    public func status(of service: String = "") -> ServingStatus? {
        state.withLock { $0.statuses[service] }
    }

    /// The status of every service that is known.
    public var statuses: [String: ServingStatus] { state.withLock { $0.statuses } }

    /// Says of everything that it is not served any more, for good. For the beginning of a shutdown.
    public func shutDown() {
        state.withLock { state in
            for service in state.statuses.keys { state.statuses[service] = .notServing }
            for watcher in state.watchers.values where state.statuses[watcher.service] != nil {
                watcher.continuation.yield(.notServing)
            }
            state.isShutDown = true
        }
    }

    /// The status now, then every change (the newest where several came between two reads); nil stands for a
    /// service that is not known yet. Nil as a whole where there are too many watchers.
    func watch(_ service: String) -> AsyncStream<ServingStatus?>? {
        let (stream, continuation) = AsyncStream.makeStream(
            of: ServingStatus?.self, bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state -> UInt64? in
            guard state.watchers.count < Self.maximumWatchers else { return nil }
            state.nextID += 1
            state.watchers[state.nextID] = (service, continuation)
            continuation.yield(state.statuses[service])
            return state.nextID
        }
        guard let id else { return nil }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { $0.watchers[id] = nil }
        }
        return stream
    }

    var watcherCount: Int { state.withLock { $0.watchers.count } }
}
