import Components
import EdgeCore
import HedgerowAPI
import SwiftProtobuf
import Testing

@Suite("Streams of a revision")
struct StreamSettingsWireTests {
    func read(_ change: (inout Hedgerow_Type_V1_StreamSettings) -> Void) throws -> StreamSettings? {
        var stream = Hedgerow_Type_V1_StreamSettings()
        stream.name = "bulk"
        change(&stream)
        return try GroupDefinition(.with { $0.streams = [stream] }).streams["bulk"]
    }

    @Test("have their defaults where the wire says nothing, as an older cloud does")
    func defaults() throws {
        #expect(try read { _ in } == StreamSettings())
    }

    @Test("are read with every parameter")
    func everyParameter() throws {
        let read = try read {
            $0.maxSizeBytes = 65_536
            $0.onFull = .rejectNew
            $0.priority = 1
            $0.timeToLive = .with { $0.seconds = 90 }
            $0.persistence = .memory
            $0.batchSize = 7
            $0.batchInterval = .with { $0.nanos = 250_000_000 }
            $0.liveShare = 0.5
            $0.maxRateBytes = 2_048
            $0.exports = [
                .with { $0.cloud = .init() },
                .with {
                    $0.name = "line"
                    $0.topic.topic = "line/1"
                },
                .with { $0.directory.path = "a" },
                .with {
                    $0.directory.path = "/b"
                    $0.directory.maxFileSizeBytes = 1 << 20
                    $0.directory.maxFiles = 3
                },
            ]
        }
        #expect(
            read
                == StreamSettings(
                    maxSize: .kibibytes(64), onFull: .rejectNew, timeToLive: .seconds(90), priority: 1,
                    persistence: .memory, batchSize: 7, batchInterval: TimeSpan(milliseconds: 250),
                    liveShare: 0.5, maxRate: .kibibytes(2),
                    exports: [
                        .cloud, StreamExport(.topic("line/1"), name: "line"),
                        StreamExport(.directory(StreamDirectory("a"))),
                        StreamExport(
                            .directory(StreamDirectory("/b", maxFileSize: .mebibytes(1), maxFiles: 3))),
                    ]))
    }

    @Test("keep an interval of zero, which is not the default")
    func noInterval() throws {
        #expect(try read { $0.batchInterval = .init() }?.batchInterval == .seconds(0))
    }

    @Test("are refused where they are newer than this core")
    func newer() {
        let changes: [(String, (inout Hedgerow_Type_V1_StreamSettings) -> Void)] = [
            ("streams[0].persistence", { $0.persistence = .UNRECOGNIZED(9) }),
            ("streams[0].exports[0]", { $0.exports = [.init()] }),
            ("streams[0].on_full", { $0.onFull = .UNRECOGNIZED(9) }),
        ]
        for (path, change) in changes {
            #expect {
                _ = try read(change)
            } throws: {
                "\($0)".contains(path) && "\($0)".contains("update hedgerow-core")
            }
        }
    }

    @Test("with a span that does not fit are refused, not misread")
    func overflow() throws {
        let read = try read { $0.batchInterval = .with { $0.seconds = .max } }
        #expect(read?.batchInterval == TimeSpan(milliseconds: .max))
    }
}
