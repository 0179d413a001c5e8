/// What the standard environment variables `OTEL_…` say about tracing.
///
/// Source: OpenTelemetry specification, "SDK Environment Variables" and "OTLP Exporter Configuration". A value that
/// cannot be read is a warning, and the default holds, as the specification asks. One deviation: without any of
/// `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` and `OTEL_TRACES_EXPORTER` nothing is traced; the
/// specification would send to this machine's port 4317, which on most gateways is nobody's.
public struct TracingSettings: Sendable {
    /// Where spans go.
    public struct Endpoint: Hashable, Sendable {
        /// Host name or IP address.
        public var host: String
        /// TCP port, 4317 where none is given.
        public var port: Int
        /// Whether TLS is used.
        public var isSecure: Bool
    }

    /// Whether spans are recorded and sent.
    public internal(set) var isEnabled = false
    /// Where to.
    public internal(set) var endpoint = Endpoint(host: "localhost", port: 4_317, isSecure: false)
    /// Added to every call, in lower case.
    public internal(set) var headers: [(name: String, value: String)] = []
    /// How long one call may take.
    public internal(set) var timeout = Duration.seconds(10)
    /// Whether calls are compressed with gzip.
    public internal(set) var compresses = false
    /// File with the certificates to trust, PEM; the system's where it is nil.
    public internal(set) var certificatePath: String?
    /// File with the own certificate, PEM.
    public internal(set) var clientCertificatePath: String?
    /// File with its key, PEM.
    public internal(set) var clientKeyPath: String?
    /// Which traces are recorded.
    public internal(set) var sampler = TraceSampler()
    /// Whether traces are passed on in headers (`OTEL_PROPAGATORS` has `tracecontext`).
    public internal(set) var propagates = true
    /// Longest wait before what is there is sent.
    public internal(set) var scheduleDelay = Duration.seconds(5)
    /// How long a batch is tried.
    public internal(set) var exportTimeout = Duration.seconds(30)
    /// Most spans that wait.
    public internal(set) var maximumQueueSize = 2_048
    /// Most spans in one call.
    public internal(set) var maximumBatchSize = 512
    /// What is known about the program: `service.name` and what `OTEL_RESOURCE_ATTRIBUTES` has, by name.
    public internal(set) var resource: [String: String] = [:]
    /// What could not be read, a sentence each.
    public internal(set) var warnings: [String] = []

    /// Reads the variables.
    ///
    /// - Parameters:
    ///   - environment: all variables of the process.
    ///   - service: `service.name` where the environment names none.
    public init(environment: [String: String], service: String) {
        // An empty value is as good as none.
        var reader = TracingSettingsReader(environment: environment.filter { !$0.value.isEmpty })
        reader.read(into: &self, service: service)
        warnings = reader.warnings
    }
}
