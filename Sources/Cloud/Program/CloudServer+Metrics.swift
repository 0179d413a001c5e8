import Identity
public import Observability
import RPCSupport

extension CloudServer {
    /// Tells a registry how the cloud is, whenever that is asked.
    public func tell(_ registry: MetricsRegistry) {
        registry.describe(IngestMetrics.help)
        registry.describe(LedgerMetrics.help)
        registry.describe(ShadowMetrics.help)
        registry.describe([
            "hedgerow_commit_duration_seconds": "Time that a transaction took, its fsync included."
        ])
        let (calls, hub, syncing) = (context.activeCalls, context.hub, telemetry.syncingCores)
        registry.addCollector {
            [
                MetricSample(
                    "hedgerow_attached_cores", help: "Cores that are attached.", Double(hub.attached.count)),
                MetricSample(
                    "hedgerow_connected_things", help: "Things that have a call open to the cloud itself.",
                    Double(calls.principals.count { $0.role == .thing })),
                MetricSample(
                    "hedgerow_shadow_sync_cores", help: "Cores that sync shadows.", Double(syncing())),
                MetricSample(
                    "hedgerow_active_calls", help: "Calls that are open.", Double(calls.count)),
            ]
        }
    }
}
