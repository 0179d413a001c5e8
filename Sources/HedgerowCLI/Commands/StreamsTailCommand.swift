import ArgumentParser
import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import Synchronization

/// `hedgerow streams tail STREAM`: messages of a stream as they come, read on its core.
struct StreamsTailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Show the messages of a stream on its core, one line each; ends on Ctrl-C.",
        discussion: """
            It begins behind the newest message, or at the time that --since says, or with --oldest or --no-follow at the \
            oldest that is there. Messages leave a stream when every export has them: where the core is connected, few are there \
            at a time and some may pass unseen. While an export is paused, all are.

            Example:
              hedgerow streams tail default --core pi-1
              hedgerow streams tail bulk --core pi-1 --oldest --count 10
              hedgerow streams tail bulk --core pi-1 --since 10m --no-follow
            """)

    @Argument(help: "Name of the stream.")
    var stream: String

    @Flag(help: "Begin at the oldest message that is there.")
    var oldest = false

    @Option(help: ArgumentHelp("Begin at what the core received at or after this.", valueName: "time"))
    var since: String?

    @Option(help: ArgumentHelp("End after so many messages.", valueName: "number"))
    var count: Int?

    @Flag(help: "End where the stream ends.")
    var noFollow = false

    @OptionGroup var target: CoreOption
    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count is at least 1.") }
        if oldest, since != nil { throw ValidationError("--oldest and --since exclude each other.") }
    }

    func run() async throws {
        let io = CommandIO.current
        var request = Hedgerow_Stream_V1_ReadStreamRequest()
        request.core = target.core
        request.stream = stream
        if let time = try TimeOption.parse(since, option: "--since", now: io.now()) {
            request.time = time
        } else if !oldest, !noFollow {
            request.newest = true
        }
        let shown = Shown()
        _ = try await Interruption.run { [request] in
            try await Progress.show("waiting for messages") { _ in
                try await home.withCloud { cloud in try await follow(cloud, request, shown) }
            }
        }
        if output.format == .table { io.note(Text.count(shown.count.withLock { $0 }, "message")) }
    }

    private func follow(
        _ cloud: CloudSession, _ request: Hedgerow_Stream_V1_ReadStreamRequest, _ shown: Shown
    ) async throws {
        let io = CommandIO.current
        var request = request
        if !noFollow { request.wait = Google_Protobuf_Duration(seconds: 10) }
        var isFirst = true
        while true {
            let left = count.map { most in most - shown.count.withLock { $0 } } ?? 1_000
            guard left > 0 else { return }
            request.pageSize = UInt32(min(left, 1_000))
            let page = try await cloud.streams.readStream(request, options: StreamsCommand.options)
            if page.clamped, !isFirst {
                io.note("hedgerow: messages left the stream before they were shown; see hedgerow history")
            }
            isFirst = false
            for message in page.messages { try show(message, io) }
            shown.count.withLock { $0 += page.messages.count }
            if noFollow, page.end { return }
            if page.hasNext { request.position = page.next }
        }
    }

    private func show(_ message: Hedgerow_Stream_V1_StreamMessage, _ io: CommandIO) throws {
        switch output.format {
        case .table: try io.print(StreamText.line(message))
        case .json: try io.print(StreamText.json(message).compact)
        }
    }
}

/// How many messages were shown, also where Ctrl-C ended it.
private final class Shown: Sendable {
    let count = Mutex(0)
}
