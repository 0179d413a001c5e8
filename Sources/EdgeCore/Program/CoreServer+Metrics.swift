import HedgerowAPI
import Identity
public import Observability
import RPCSupport

extension CoreServer {
    /// Tells a registry how the core is, whenever that is asked.
    public func tell(_ registry: MetricsRegistry) {
        registry.describe(IngestMetrics.help)
        registry.describe([
            "hedgerow_commit_duration_seconds": "Time that a transaction took, its fsync included."
        ])
        let (calls, status, revision) = (parts.activeCalls, status, revision)
        registry.addCollector {
            [
                MetricSample(
                    "hedgerow_connected_things", help: "Things that have a call open.",
                    Double(calls.principals.count { $0.role == .thing })),
                MetricSample(
                    "hedgerow_cloud_attached", help: "1 while the core is attached to the cloud, else 0.",
                    status.snapshot.isAttached ? 1 : 0),
                MetricSample(
                    "hedgerow_revision", help: "Number of the group's revision that runs, 0 where none does.",
                    Double(revision.current?.revision ?? 0)),
            ]
        }
        guard let monitor else { return }
        registry.addCollector { StreamSamples(monitor).all }
    }
}
