public import Logging
public import Observability
public import ServiceLifecycle
import Tracing

/// The tracing of a program, as its environment wants it.
public struct ProgramTracing: Sendable {
    /// What the environment says.
    public let settings: TracingSettings
    /// What records; nil where nothing is to be.
    public let tracer: RecordingTracer?

    /// Reads the environment and makes the process's tracer. To be called once, before anything is traced.
    ///
    /// - Parameters:
    ///   - environment: all variables of the process.
    ///   - service: `service.name` where the environment names none.
    public static func bootstrap(environment: [String: String], service: String) -> ProgramTracing {
        let tracing = ProgramTracing(environment: environment, service: service)
        if let tracer = tracing.tracer { InstrumentationSystem.bootstrap(tracer) }
        return tracing
    }

    /// Reads the environment; makes a tracer for nobody yet.
    public init(environment: [String: String], service: String) {
        settings = TracingSettings(environment: environment, service: service)
        guard settings.isEnabled else {
            tracer = nil
            return
        }
        tracer = RecordingTracer(
            sampler: settings.sampler,
            buffer: SpanBuffer(capacity: settings.maximumQueueSize, batchSize: settings.maximumBatchSize),
            propagates: settings.propagates)
    }

    /// What sends the spans, to be started first, so that it stops last; says what could not be read.
    ///
    /// - Parameters:
    ///   - instance: `service.instance.id`: the program's name in the fleet, nil as long as it has none.
    ///   - version: of the program.
    ///   - logger: told what cannot be sent.
    public func services(
        instance: @escaping @Sendable () -> String?, version: String, logger: Logger
    ) -> [ServiceGroupConfiguration.ServiceConfiguration] {
        for warning in settings.warnings { logger.warning("\(warning)") }
        guard let tracer else { return [] }
        let exporter = TraceExporter(
            settings: settings, buffer: tracer.buffer,
            resource: {
                var resource = [
                    "service.version": version, "telemetry.sdk.name": "hedgerow",
                    "telemetry.sdk.language": "swift", "telemetry.sdk.version": version,
                ]
                if let instance = instance() { resource["service.instance.id"] = instance }
                return resource
            }, version: version, logger: logger)
        return [.init(service: exporter)]
    }
}
