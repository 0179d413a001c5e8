import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Logging
import Messaging
import RPCSupport
import ServiceLifecycle
import StreamStore
import SwiftProtobuf
import Synchronization

/// Takes messages for things from the cloud and passes them on; the thing's acknowledgement goes all the way
/// back, so that the cloud keeps a message until the thing has it.
struct CloudDownlink: Service {
    /// Messages that the cloud may send before it hears of more.
    static let credit = 1_000

    let parts: TelemetryParts
    let dialer: CloudDialer

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            var backoff = parts.backoff
            while !Task.isCancelled {
                let progress = ProgressFlag()
                do {
                    try await dialer.withClient { client in
                        try await DownlinkSession(parts: parts, progress: progress).run(client)
                    }
                } catch {
                    if Task.isCancelled { return }
                    if progress.isSet { backoff.reset() }
                    let cause = dialer.explain(error)
                    parts.onceAMinute("downlink \(cause.message)") {
                        parts.logger.debug(
                            "no messages from the cloud for now",
                            metadata: ["error.message": "\(cause.message)"])
                    }
                }
                try await Task.sleep(for: backoff.next())
            }
        }
    }
}

/// One stream that takes messages down.
private final class DownlinkSession: Sendable {
    private struct State {
        var acknowledged: [UInt64] = []
        var credit = 0
        var isFinished = false
    }

    private let parts: TelemetryParts
    private let progress: ProgressFlag
    private let state = Mutex(State())

    init(parts: TelemetryParts, progress: ProgressFlag) {
        self.parts = parts
        self.progress = progress
    }

    func run(_ client: GRPCClient<HTTP2ClientTransport.Posix>) async throws {
        try await TelemetryService.Client(wrapping: client).subscribe { writer in
            try await self.produce(writer)
        } onResponse: { response in
            defer {
                self.state.withLock { $0.isFinished = true }
                self.parts.outlets.connectionsChanged.signal()
            }
            for try await message in response.messages {
                self.progress.set()
                self.receive(message)
            }
        }
    }

    private func produce(_ writer: RPCWriter<Hedgerow_Telemetry_V1_SubscribeRequest>) async throws {
        var connected = parts.outlets.connectedThings
        _ = parts.outlets.takeInterrupted()
        try await writer.write(
            .with {
                $0.start.atLeastOnce = true
                $0.addCredit = UInt32(CloudDownlink.credit)
                $0.connectedThings.things = connected
            })
        while true {
            await parts.outlets.connectionsChanged.wait()
            try Task.checkCancellation()
            let (acknowledged, credit, isFinished) = state.withLock { state in
                defer {
                    state.acknowledged = []
                    state.credit = 0
                }
                return (state.acknowledged, state.credit, state.isFinished)
            }
            if isFinished { return }
            // A thing that came back meanwhile is taken out once, so that the cloud sends anew what was under way.
            let interrupted = parts.outlets.takeInterrupted().intersection(connected)
            let now = parts.outlets.connectedThings
            if !interrupted.isEmpty {
                connected = now.filter { !interrupted.contains($0) }
                try await writer.write(
                    .with {
                        $0.acknowledgedDeliveryIds = acknowledged
                        $0.connectedThings.things = connected
                    })
            }
            var request = Hedgerow_Telemetry_V1_SubscribeRequest()
            if interrupted.isEmpty { request.acknowledgedDeliveryIds = acknowledged }
            request.addCredit = UInt32(credit)
            if now != connected {
                connected = now
                request.connectedThings.things = now
            }
            if request != .init() { try await writer.write(request) }
        }
    }

    private func receive(_ message: Hedgerow_Telemetry_V1_SubscribeResponse) {
        if message.dropped > 0 {
            parts.logger.warning(
                "messages for things fell out of their queue in the cloud",
                metadata: ["messages.count": "\(message.dropped)"])
        }
        for delivery in message.deliveries {
            let id = delivery.deliveryID
            let isTaken = parts.outlets.relay(delivery) { [parts, self] in
                guard id > 0 else { return }
                self.state.withLock { $0.acknowledged.append(id) }
                parts.outlets.connectionsChanged.signal()
            }
            if !isTaken, id > 0 { parts.outlets.interrupt(delivery.targetThing) }
        }
        state.withLock { $0.credit += message.deliveries.count }
        parts.outlets.connectionsChanged.signal()
    }
}
