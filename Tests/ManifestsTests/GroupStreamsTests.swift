import Components
import Manifests
import Testing

@Suite("Streams in group files")
struct GroupStreamsTests {
    static let text = """
        kind: Group
        name: g
        cores: [c]
        streams:
          bulk:
            maxSize: 2GiB
            onFull: rejectNew
            timeToLive: 7d
            priority: 9
            persistence: disk
            batchSize: 1000
            batchInterval: 50ms
            liveShare: 0.25
            maxRate: 64KiB
            exports:
              - cloud
              - {topic: line/1}
              - {directory: /srv/readings, maxFileSize: 1MiB, maxFiles: 20, name: archive}
          quick: {persistence: memory}
          local: {exports: [{directory: exports/local}], liveShare: 0, batchInterval: 0s, maxRate: 2048}
        """

    static let streams: [String: StreamSettings] = [
        "bulk": StreamSettings(
            maxSize: .mebibytes(2_048), onFull: .rejectNew, timeToLive: .days(7), priority: 9,
            persistence: .disk, batchSize: 1_000, batchInterval: TimeSpan(milliseconds: 50),
            liveShare: 0.25, maxRate: .kibibytes(64),
            exports: [
                .cloud, StreamExport(.topic("line/1")),
                StreamExport(
                    .directory(
                        StreamDirectory("/srv/readings", maxFileSize: .mebibytes(1), maxFiles: 20)),
                    name: "archive"),
            ]),
        "quick": StreamSettings(persistence: .memory),
        "local": StreamSettings(
            batchInterval: .seconds(0), maxRate: .kibibytes(2),
            exports: [StreamExport(.directory(StreamDirectory("exports/local")))]),
    ]

    @Test("have every parameter")
    func everyParameter() throws {
        let definition = try GroupManifest.parse(Self.text, fileName: "g.yaml")
        #expect(definition.streams == Self.streams)
        #expect(
            definition.streams["bulk"]?.exports.map(\.name) == ["cloud", "topic:line/1", "archive"])
        #expect(definition.streams["local"]?.exports.map(\.name) == ["directory:exports/local"])
    }

    @Test("are written so that they read back the same")
    func rendering() throws {
        let definition = GroupDefinition(name: "g", cores: ["c"], streams: Self.streams)
        let text = GroupManifest.render(definition)
        #expect(try GroupManifest.parse(text, fileName: "r") == definition)
        #expect(
            text.contains("local: {maxSize: 256MiB, onFull: overwriteOldest, priority: 5, batchInterval: 0s"))
    }

    @Test(
        "are refused with what is wrong and what to write",
        arguments: [
            ("timeToLive: 59s", "27: 59s is too short; write at least 1m, or leave timeToLive out to keep"),
            ("persistence: ram", "28: \"ram\" is no persistence; write disk or memory"),
            ("batchSize: 0", "26: 0 is no size of a batch; write 1 to 1000 messages"),
            ("batchSize: 1001", "26: 1001 is no size of a batch; write 1 to 1000 messages"),
            ("batchInterval: 11s", "30: 11s is out of range; write 0s to 10s, 10ms is the default"),
            ("liveShare: 0.96", "26: 0.96 is out of range; write 0 (off, the default) to 0.95"),
            ("liveShare: -0.1", "26: -0.1 is out of range"),
            ("liveShare: half", "26: \"liveShare\" has to be a number, but is the text \"half\""),
            ("liveShare: .nan", "26: \"liveShare\" has to be a number, but is the number .nan"),
            ("maxRate: 1000", "24: 1000 per second is too slow; write at least 1KiB"),
            ("maxRate: fast", "24: \"fast\" is not a size"),
            ("exports: []", "24: a stream without an export keeps nothing"),
            ("exports: cloud", "24: \"exports\" has to be a list, but is the text \"cloud\""),
            (
                "exports: [clowd]",
                "25: \"clowd\" is no export; write cloud, {topic: TOPIC} or {directory: PATH}"
            ),
            ("exports: [cloud, cloud]", "32: the export \"cloud\" is listed twice; remove one"),
            (
                "exports: [{topic: a}, {topic: b, name: topic:a}]",
                "54: the export's name \"topic:a\" contains"
            ),
            ("exports: [{topic: a/+}]", "33: topic \"a/+\" contains + or #"),
            ("exports: [{topic: $a}]", "33: topics that begin with $ are reserved"),
            ("exports: [{topic: a, name: cloud}]", "42: \"cloud\" is the name of the export to the cloud"),
            ("exports: [{topic: a, directory: b}]", "25: an export has either \"topic\" or \"directory\""),
            ("exports: [{name: a}]", "25: an export has either \"topic\" or \"directory\""),
            ("exports: [{topic: a, maxFiles: 3}]", "36: \"maxFiles\" goes with a directory only"),
            ("exports: [{directory: /}]", "37: \"/\" is no directory; write a path such as exports/s"),
            ("exports: [{directory: a/../b}]", "37: \"a/../b\" leads out of a directory"),
            ("exports: [{directory: a, maxFiles: 1}]", "50: 1 is out of range; write 2 to 10000"),
            ("exports: [{directory: a, maxFileSize: 1KiB}]", "53: 1KiB is out of range; write 64KiB to 1GiB"),
            ("exports: [{directory: a}, {directory: ./a/}]", "53: the stream \"s\" is exported to"),
            ("exprots: [cloud]", "15: a stream has no key \"exprots\"; did you mean \"exports\"?"),
        ])
    func refused(line: String, expected: String) {
        let found = errors("streams: {s: {\(line)}}")
        #expect(found.contains { $0.hasPrefix("g.yaml:4:\(expected)") }, "\(found)")
    }

    @Test("have to go to the cloud where a route to the cloud goes through them")
    func reachesCloud() {
        let text = """
            things: [a]
            streams:
              local: {exports: [{topic: b}]}
              default: {exports: [{topic: c}]}
            subscriptions:
              - {from: thing:a, topic: a, to: cloud, via: local}
              - {from: thing:a, topic: b, to: cloud}
              - {from: thing:a, topic: c, to: stream:local}
            """
        #expect(
            errors(text) == [
                "g.yaml:9:47: the stream \"local\" does not go to the cloud; add cloud to its exports, or write to: stream:local",
                "g.yaml:10:35: the stream \"default\" does not go to the cloud; add cloud to its exports, or write to: stream:default",
            ])
    }

    @Test("have at most eight exports")
    func mostExports() {
        let many = (0..<9).map { "{topic: t\($0)}" }.joined(separator: ", ")
        #expect(
            errors("streams: {s: {exports: [\(many)]}}") == [
                "g.yaml:4:24: 9 exports are too many; a stream has at most 8"
            ])
    }

    private func errors(_ text: String) -> [String] {
        do {
            _ = try GroupManifest.parse("kind: Group\nname: g\ncores: [c]\n\(text)\n", fileName: "g.yaml")
            return []
        } catch {
            return error.errors.map(\.description)
        }
    }
}
