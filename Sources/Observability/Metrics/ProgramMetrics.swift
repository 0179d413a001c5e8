import CoreMetrics
import Synchronization

/// The metrics of a program: off, so that recording costs next to nothing, or on from its start to its end.
public struct ProgramMetrics: Sendable {
    /// The setting that turns them on.
    public static let key = SettingKey(
        name: "metrics.listen", .text,
        summary:
            "Address to serve Prometheus metrics at (GET /metrics, without TLS): HOST:PORT or [IPV6]:PORT. "
            + "Without it there are none. They need no certificate: use 127.0.0.1 or a network of your own.")

    /// Where they are served.
    public let listen: MetricsAddress
    /// What is served.
    public let registry: MetricsRegistry

    /// Makes metrics that nothing records into by itself.
    public init(listen: MetricsAddress, registry: MetricsRegistry) {
        self.listen = listen
        self.registry = registry
    }

    private static let isBootstrapped = Mutex(false)

    /// Turns metrics on where the settings say so; to be called once, before anything is recorded.
    ///
    /// - Returns: Nil where they are off.
    /// - Throws: `SettingsError` where the address cannot be read.
    public static func bootstrap(_ settings: Settings) throws(SettingsError) -> ProgramMetrics? {
        guard let text = try settings.optionalText(key.name) else { return nil }
        guard let address = MetricsAddress(text) else {
            throw SettingsError([
                "\(key.name): \"\(text.prefix(100))\" is no address; write HOST:PORT or [IPV6]:PORT, such as "
                    + "127.0.0.1:9464"
            ])
        }
        let metrics = ProgramMetrics(listen: address, registry: MetricsRegistry())
        let isFirst = isBootstrapped.withLock { done in
            defer { done = true }
            return !done
        }
        if isFirst { MetricsSystem.bootstrap(PrometheusFactory(metrics.registry)) }
        return metrics
    }
}
