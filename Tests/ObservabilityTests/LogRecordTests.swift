import FoundationEssentials
import Logging
import Synchronization
import Testing

@testable import Observability

@Suite("Log records")
struct LogRecordTests {
    /// The lines that some logging writes at a fixed instant.
    func lines(
        _ format: LogFormat, level: Logger.Level = .info, provider: Logger.MetadataProvider? = nil,
        _ body: (inout Logger) -> Void
    ) -> [String] {
        let written = Lines()
        var logger = Logger(label: "hedgerow.test") { label in
            LineLogHandler(
                label: label, format: format, level: level, metadataProvider: provider,
                now: { Date(timeIntervalSince1970: 1_777_890_600.125) }, write: { written.add($0) })
        }
        body(&logger)
        return written.all
    }

    @Test("are one line of text with time, level, logger, message and metadata")
    func text() {
        let found = lines(.text) { logger in
            logger[metadataKey: "thing.name"] = "bme680-1"
            logger.info("connected", metadata: ["remoteAddress": "10.0.0.1 port 5", "empty": "", "Try": "1"])
            logger.warning("slow")
        }
        #expect(
            found == [
                "2026-05-04T10:30:00.125Z info     hedgerow.test: connected empty=\"\" "
                    + "remote.address=\"10.0.0.1 port 5\" thing.name=bme680-1 try=1",
                "2026-05-04T10:30:00.125Z warning  hedgerow.test: slow thing.name=bme680-1",
            ])
    }

    @Test("are one JSON object a line")
    func json() throws {
        let found = lines(.json) { logger in
            logger.error(
                "it said \"no\"\n\u{1b}[31m\u{2028}",
                metadata: ["level": "mine", "a": ["bC": "x", "list": ["1", "2"]], "strange key/é": "ü"])
        }
        try #require(found.count == 1)
        #expect(!found[0].contains("\n"))
        let object = try JSONDecoder().decode([String: String].self, from: Data(found[0].utf8))
        #expect(
            object == [
                "time": "2026-05-04T10:30:00.125Z", "level": "error", "logger": "hedgerow.test",
                "message": "it said \"no\"\n\u{1b}[31m\u{2028}", "metadata.level": "mine", "a.b.c": "x",
                "a.list": "1,2", "strange_key__": "ü",
            ])
    }

    @Test("cannot be forged by what somebody else wrote")
    func injection() {
        let found = lines(.text) { logger in
            logger.info("name a\n2026 error x: forged\u{1b}[0m", metadata: ["k": "v\" other=\"w\r\n"])
        }
        #expect(
            found[0].hasSuffix(
                "name a\\n2026 error x: forged\\u{1b}[0m k=\"v\\\" other=\\\"w\\r\\n\""))
    }

    @Test("are left out below the level, and carry what the provider and the error say")
    func levelAndProvider() {
        struct Broken: Error {}
        let provider = Logger.MetadataProvider { ["trace.id": "abc"] }
        let found = lines(.text, level: .warning, provider: provider) { logger in
            logger.info("hidden")
            logger.error("shown", error: Broken())
        }
        #expect(found.count == 1)
        #expect(found[0].hasSuffix("shown error=Broken() trace.id=abc"))
    }
}

private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])

    func add(_ line: String) { lines.withLock { $0.append(line) } }

    var all: [String] { lines.withLock { $0 } }
}
