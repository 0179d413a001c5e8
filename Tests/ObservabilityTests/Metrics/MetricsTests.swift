import CoreMetrics
import Metrics
import Testing

@testable import Observability

@Suite("Metrics")
struct MetricsTests {
    let registry = MetricsRegistry()
    var factory: PrometheusFactory { PrometheusFactory(registry) }

    func lines(_ format: MetricsFormat = .prometheus) async -> [String] {
        await registry.text(format).split(separator: "\n").map(String.init)
    }

    @Test("count under the names that the format wants, each family described once")
    func counters() async {
        registry.describe(["hedgerow_messages": "Messages."])
        Counter(label: "hedgerow_messages", dimensions: [("stream", "a")], factory: factory).increment(by: 3)
        Counter(label: "hedgerow_messages_total", dimensions: [("stream", "b")], factory: factory).increment()
        Counter(label: "hedgerow_messages", dimensions: [("stream", "a")], factory: factory).increment(by: 4)
        let lines = await lines()
        #expect(
            Array(lines.prefix(4)) == [
                "# HELP hedgerow_messages_total Messages.", "# TYPE hedgerow_messages_total counter",
                "hedgerow_messages_total{stream=\"a\"} 7", "hedgerow_messages_total{stream=\"b\"} 1",
            ])
        #expect(lines.count { $0.hasPrefix("# TYPE hedgerow_messages") } == 1)
    }

    @Test("are called without _total in OpenMetrics, which ends with a mark")
    func openMetrics() async {
        Counter(label: "a", factory: factory).increment(by: 2)
        let lines = await lines(.openMetrics)
        #expect(lines.contains("# TYPE a counter"))
        #expect(lines.contains("a_total 2"))
        #expect(lines.last == "# EOF")
    }

    @Test("never go back")
    func negativeIncrements() async {
        let counter = Counter(label: "a", factory: factory)
        counter.increment(by: 2)
        counter.increment(by: -1)
        let lines = await lines()
        #expect(lines.contains("a_total 2"))
    }

    @Test("put times into buckets of seconds")
    func timers() async {
        let timer = Timer(label: "commit", factory: factory)
        timer.recordNanoseconds(2_000_000)
        timer.recordNanoseconds(600_000_000)
        timer.recordNanoseconds(60_000_000_000)
        let lines = await lines()
        #expect(lines.contains("# TYPE commit_seconds histogram"))
        #expect(lines.contains("commit_seconds_bucket{le=\"0.001\"} 0"))
        #expect(lines.contains("commit_seconds_bucket{le=\"0.0025\"} 1"))
        #expect(lines.contains("commit_seconds_bucket{le=\"1\"} 2"))
        #expect(lines.contains("commit_seconds_bucket{le=\"10\"} 2"))
        #expect(lines.contains("commit_seconds_bucket{le=\"+Inf\"} 3"))
        #expect(lines.contains("commit_seconds_count 3"))
        #expect(lines.contains("commit_seconds_sum 60.602"))
    }

    @Test("have gauges that go up and down")
    func gauges() async {
        let meter = Meter(label: "open", factory: factory)
        meter.set(7)
        meter.decrement(by: 2.5)
        Gauge(label: "level", factory: factory).record(-3)
        let lines = await lines()
        #expect(lines.contains("open 4.5"))
        #expect(lines.contains("level -3"))
    }

    @Test("ask collectors at each reading, and tell each series once")
    func collectors() async {
        registry.addCollector {
            [
                MetricSample("b", help: "Bees.", labels: [MetricLabel("of", "x")], 1),
                MetricSample("c", .counter, help: "Cees.", 2),
                MetricSample("b", help: "Bees.", labels: [MetricLabel("of", "y")], .infinity),
                MetricSample("b", help: "Bees.", labels: [MetricLabel("of", "x")], 9),
            ]
        }
        let lines = await lines()
        let start = lines.firstIndex(of: "# HELP b Bees.") ?? 0
        #expect(
            Array(lines[start...].prefix(6)) == [
                "# HELP b Bees.", "# TYPE b gauge", "b{of=\"x\"} 1", "b{of=\"y\"} +Inf",
                "# HELP c_total Cees.", "# TYPE c_total counter",
            ])
        #expect(lines.contains("c_total 2"))
    }

    @Test("write names and labels so that they can be read")
    func escaping() async {
        Counter(label: "1st-name.of", dimensions: [("a-b", "x\"y\\z\nw")], factory: factory).increment()
        let lines = await lines()
        #expect(lines.contains(#"_1st_name_of_total{a_b="x\"y\\z\nw"} 1"#))
    }

    @Test("are bounded: what is beyond is counted and left out")
    func bound() async {
        for number in 0..<(MetricsRegistry.maximumSeries + 5) {
            Counter(label: "many", dimensions: [("n", "\(number)")], factory: factory).increment()
        }
        registry.addCollector {
            (0..<(MetricsRegistry.maximumSeries + 2)).map {
                MetricSample("more", help: "More.", labels: [MetricLabel("n", "\($0)")], 1)
            }
        }
        let lines = await lines()
        #expect(lines.count { $0.hasPrefix("many_total{") } == MetricsRegistry.maximumSeries)
        #expect(lines.count { $0.hasPrefix("more{") } == MetricsRegistry.maximumSeries)
        #expect(lines.contains("hedgerow_metrics_dropped_series_total 7"))
    }

    @Test("do not mix kinds in a family: the second kind is left out")
    func kinds() async {
        Counter(label: "a", factory: factory).increment()
        Meter(label: "a", factory: factory).set(5)
        let lines = await lines()
        #expect(lines.contains("a_total 1"))
        #expect(!lines.contains("a 5"))
    }

    @Test(
        "are served at an address",
        arguments: [
            ("127.0.0.1:9464", "127.0.0.1", 9464), ("[::1]:0", "::1", 0), ("localhost:80", "localhost", 80),
        ])
    func addresses(text: String, host: String, port: Int) {
        let address = MetricsAddress(text)
        #expect(address?.host == host)
        #expect(address?.port == port)
        #expect(address?.description == text)
    }

    @Test(
        "refuse what is no address",
        arguments: [
            "", "9464", ":9464", "127.0.0.1", "::1:9464", "[::1", "a b:1", "h:65536", "http://h:1", "h:-1",
        ])
    func noAddresses(text: String) {
        #expect(MetricsAddress(text) == nil)
    }
}
