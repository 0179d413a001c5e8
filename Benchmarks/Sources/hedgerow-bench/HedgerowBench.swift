import ArgumentParser

/// `hedgerow-bench`: the load, the bare servers and the probes behind `make bench`.
///
/// Each is a process of its own, started by `Benchmarks/bench.py`, and prints one line of JSON at its end.
@main
struct HedgerowBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hedgerow-bench",
        abstract: "Load, bare servers and probes for Hedgerow's benchmarks; `make bench` runs them.",
        subcommands: [
            ServeBare.self, RelayBare.self, Publish.self, PublishThing.self, Latency.self, Drain.self,
            EnrollThings.self, FleetLoad.self, EnrollCores.self, CoreCrowd.self, AwaitCore.self,
            Committed.self,
            ServeBareDownload.self, DownloadBare.self,
            ShadowLoad.self, ShadowContention.self, ShadowLatency.self,
        ])
}
