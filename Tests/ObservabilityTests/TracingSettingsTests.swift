import Testing

@testable import Observability

@Suite struct TracingSettingsTests {
    private func settings(_ environment: [String: String]) -> TracingSettings {
        TracingSettings(environment: environment, service: "hedgerow-core")
    }

    @Test func nothingIsTracedUnlessTheEnvironmentSaysSo() {
        #expect(!settings([:]).isEnabled)
        #expect(!settings(["OTEL_SERVICE_NAME": "x"]).isEnabled)
        #expect(settings(["OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:1"]).isEnabled)
        #expect(settings(["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://h:1"]).isEnabled)
        #expect(settings(["OTEL_TRACES_EXPORTER": "otlp"]).isEnabled)
        #expect(
            !settings(["OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:1"]).isEnabled
        )
        #expect(!settings(["OTEL_SDK_DISABLED": "True", "OTEL_TRACES_EXPORTER": "otlp"]).isEnabled)
        #expect(!settings(["OTEL_EXPORTER_OTLP_ENDPOINT": ""]).isEnabled)
        let other = settings(["OTEL_TRACES_EXPORTER": "zipkin"])
        #expect(!other.isEnabled && other.warnings.count == 1)
    }

    @Test(arguments: [
        ("http://collector:4318/v1/traces", "collector", 4_318, false),
        ("https://collector", "collector", 4_317, true),
        ("HTTP://127.0.0.1:9", "127.0.0.1", 9, false),
        ("http://[::1]:4000/", "::1", 4_000, false),
        ("https://[2001:db8::1]", "2001:db8::1", 4_317, true),
        ("collector:55", "collector", 55, true),
    ])
    func anEndpointIsRead(_ text: String, _ host: String, _ port: Int, _ isSecure: Bool) {
        let read = settings(["OTEL_EXPORTER_OTLP_ENDPOINT": text])
        #expect(read.endpoint == .init(host: host, port: port, isSecure: isSecure))
        #expect(read.warnings.isEmpty)
    }

    @Test func withoutASchemeInsecureDecides() {
        let read = settings(["OTEL_EXPORTER_OTLP_ENDPOINT": "h:1", "OTEL_EXPORTER_OTLP_INSECURE": "true"])
        #expect(!read.endpoint.isSecure)
    }

    @Test(arguments: [
        "ftp://h:1", "http://", "http://h:0", "http://h:70000", "http://h:x", "http://[::1",
        "http://user:secret@h:1",
    ])
    func anEndpointThatIsNoneIsAWarning(_ text: String) {
        let read = settings(["OTEL_EXPORTER_OTLP_ENDPOINT": text])
        #expect(read.endpoint == .init(host: "localhost", port: 4_317, isSecure: false))
        #expect(read.warnings.count == 1)
        #expect(read.warnings.first?.contains("OTEL_EXPORTER_OTLP_ENDPOINT") == true)
        #expect(read.warnings.first?.contains("secret") == false)
    }

    @Test func whatIsForTracesBeatsWhatIsForAll() {
        let read = settings([
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://all:1",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://traces:2",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "1", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "2500",
            "OTEL_EXPORTER_OTLP_HEADERS": "a=1", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "B=x%20y, c = 2",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none", "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "gzip",
        ])
        #expect(read.endpoint.host == "traces")
        #expect(read.timeout == .milliseconds(2_500))
        #expect(read.headers.map { "\($0.name)=\($0.value)" } == ["b=x y", "c=2"])
        #expect(read.compresses)
    }

    @Test func theProgramIsNamedByTheEnvironmentOrByItself() {
        #expect(settings([:]).resource == ["service.name": "hedgerow-core"])
        let attributes = "service.name=line-1,deployment.environment=hall%2C west"
        #expect(
            settings(["OTEL_RESOURCE_ATTRIBUTES": attributes]).resource
                == ["service.name": "line-1", "deployment.environment": "hall, west"])
        #expect(
            settings(["OTEL_RESOURCE_ATTRIBUTES": attributes, "OTEL_SERVICE_NAME": "s"]).resource[
                "service.name"]
                == "s")
    }

    @Test func samplersHaveTheirStandardNames() {
        let ratio = settings([
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25",
        ])
        #expect(ratio.sampler == TraceSampler(root: .ratio(0.25)))
        #expect(settings([:]).sampler == TraceSampler(root: .always))
        let wrong = settings(["OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "7"])
        #expect(wrong.warnings.count == 1)
        #expect(settings(["OTEL_TRACES_SAMPLER": "often"]).warnings.count == 1)
        // An argument means nothing to those that take none.
        #expect(
            settings(["OTEL_TRACES_SAMPLER": "always_on", "OTEL_TRACES_SAMPLER_ARG": "x"]).warnings.isEmpty)
    }

    @Test func batchingIsBounded() {
        let read = settings([
            "OTEL_BSP_MAX_QUEUE_SIZE": "100", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "500",
            "OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_BSP_EXPORT_TIMEOUT": "-1",
        ])
        #expect(read.maximumQueueSize == 100 && read.maximumBatchSize == 100)
        #expect(read.scheduleDelay == .milliseconds(50))
        #expect(read.exportTimeout == .seconds(30))
        #expect(read.warnings.count == 2)
    }

    @Test func headersMayBeSecretsAndAreNotRepeated() {
        let read = settings(["OTEL_EXPORTER_OTLP_HEADERS": "authorization secret-token,x=%zz"])
        #expect(read.headers.isEmpty && read.warnings.count == 2)
        #expect(!read.warnings.joined().contains("secret-token"))
    }

    @Test func propagationCanBeTurnedOff() {
        #expect(settings([:]).propagates)
        #expect(settings(["OTEL_PROPAGATORS": "baggage, tracecontext"]).propagates)
        #expect(!settings(["OTEL_PROPAGATORS": "none"]).propagates)
    }
}
