import Logging
import Synchronization
import Testing
import Tracing

@testable import Observability

@Suite struct RepeatedRecordsTests {
    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
        let now = Mutex(ContinuousClock.now)

        func logger(_ provider: Logger.MetadataProvider? = nil) -> Logger {
            let repeated = RepeatedRecords(limiter: OncePerMinute(now: { self.now.withLock { $0 } }))
            return Logger(label: "t") { label in
                LineLogHandler(
                    label: label, format: .json, level: .debug, metadataProvider: provider, repeated: repeated
                ) { line in self.all.withLock { $0.append(line) } }
            }
        }

        var lines: [String] { all.withLock { $0 } }
    }

    @Test func aWarningOfOneCauseComesOnceAMinuteWithTheNumberOfTheOthers() {
        let lines = Lines()
        let logger = lines.logger()
        for sequence in 1...5 {
            logger.warning("refused", metadata: ["reason": "NO_ROUTE", "sequence.last": "\(sequence)"])
        }
        #expect(lines.lines.count == 1)
        lines.now.withLock { $0 += .seconds(61) }
        logger.warning("refused", metadata: ["reason": "NO_ROUTE", "sequence.last": "9"])
        #expect(lines.lines.count == 2)
        #expect(lines.lines.last?.contains(#""repeated":"4""#) == true)
    }

    @Test func whatTheMetadataNamesTellsCausesApartAndMeasuresDoNot() {
        let lines = Lines()
        let logger = lines.logger()
        for value in ["12", "-7.5 s", "2026-01-02T03:04:05.678Z", "many"] {
            logger.warning("late", metadata: ["messages.count": "\(value)", "retry.after": "\(value)"])
        }
        #expect(lines.lines.count == 1)
        logger.warning("late", metadata: ["messages.count": "12", "thing": "press-1"])
        logger.warning("late", metadata: ["messages.count": "13", "thing": "press-2"])
        logger.error("late", metadata: ["messages.count": "14", "thing": "press-2"])
        #expect(lines.lines.count == 4)
        // Names may be made of digits.
        for name in ["1001", "1002", "2024-01"] { logger.warning("late", metadata: ["core": "\(name)"]) }
        #expect(lines.lines.count == 7)
    }

    @Test func aFloodOfCausesDoesNotHideWhatIsSaidElsewhere() {
        let lines = Lines()
        let logger = lines.logger()
        for number in 0..<5_000 { logger.warning("refused", metadata: ["detail": "text \(number)"]) }
        let before = lines.lines.count
        #expect(before < 1_100)
        logger.error("transaction failed")
        #expect(lines.lines.count == before + 1)
    }

    @Test func recordsBelowWarningAreNeverFolded() {
        let lines = Lines()
        for _ in 0..<3 { lines.logger().info("connected") }
        #expect(lines.lines.count == 3)
    }

    @Test func recordsSayWhichTraceTheyBelongTo() {
        let lines = Lines()
        let logger = lines.logger(.traces)
        var context = InstrumentationContext.topLevel
        context.traceContext = TraceContext(
            traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        InstrumentationContext.withValue(context) { logger.info("stored") }
        logger.info("idle")
        #expect(lines.lines.first?.contains(#""trace_id":"0af7651916cd43dd8448eb211c80319c""#) == true)
        #expect(lines.lines.first?.contains(#""span_id":"b7ad6b7169203331""#) == true)
        #expect(lines.lines.last?.contains("trace_id") == false)
    }
}
