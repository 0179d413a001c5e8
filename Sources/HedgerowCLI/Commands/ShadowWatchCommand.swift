import ArgumentParser
import GRPCCore
import HedgerowAPI
import Messaging
import Synchronization

/// `hedgerow shadow watch [THING]`: what happens to shadows, as it happens.
struct ShadowWatchCommand: AsyncParsableCommand {
    /// The kinds of events that can be asked for.
    enum Kind: String, CaseIterable, Sendable, ExpressibleByArgument {
        case documents, accepted, rejected, delta, deleted

        var wire: Hedgerow_Shadow_V1_ShadowEventKind {
            switch self {
            case .documents: .documents
            case .accepted: .accepted
            case .rejected: .rejected
            case .delta: .delta
            case .deleted: .deleted
            }
        }
    }

    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Show changes of shadows live, each as a diff; ends on Ctrl-C.",
        discussion: """
            It begins with the document as it is, or after the version that --after says. Without a thing it shows all \
            shadows of all things. A lost connection is made again where it broke: nothing is left out or shown twice. \
            With --output json each line is an object; its position is where --position goes on another time.

            Example:
              hedgerow shadow watch bme680-1
              hedgerow shadow watch bme680-1 --all --kind delta
              hedgerow shadow watch bme680-1 --after 12 --count 1
              hedgerow shadow watch --output json | jq .document
            """)

    @Argument(help: "Name of the thing. Default: all things.")
    var thing: String?

    @Option(
        help: ArgumentHelp(
            "Name of the shadow (default: the classic one, without a name).", valueName: "name"))
    var name = ""

    @Flag(help: "All shadows of the thing.")
    var all = false

    @Option(
        help: ArgumentHelp("Begin after this version, not with the document as it is.", valueName: "number"))
    var after: UInt64 = 0

    @Option(help: ArgumentHelp("Begin after the event that had this position.", valueName: "text"))
    var position = ""

    @Option(
        help:
            "Show these: documents, accepted, rejected, delta, deleted (default: documents, rejected, deleted)."
    )
    var kind: [Kind] = []

    @Option(help: ArgumentHelp("End after so many events.", valueName: "number"))
    var count: Int?

    @Flag(help: "End when all that there is now was shown.")
    var noFollow = false

    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count is at least 1.") }
        if !name.isEmpty, all || thing == nil {
            throw ValidationError("--name is for one shadow of a thing: leave --all out, and name the thing.")
        }
        if after > 0, all || thing == nil || !position.isEmpty {
            throw ValidationError(
                "--after is for one shadow: leave --all and --position out, and name the thing.")
        }
    }

    func run() async throws {
        var request = Hedgerow_Shadow_V1_WatchShadowRequest()
        request.thing = thing ?? ""
        request.name = name
        request.allNames = all || thing == nil
        request.afterVersion = after
        request.afterPosition = position
        request.kinds = (kind.isEmpty ? [.documents, .rejected, .deleted] : kind).map(\.wire)
        let watch = ShadowWatch(
            request: request, limit: count, follows: !noFollow, format: output.format, home: home)
        _ = try await Interruption.run {
            try await Progress.show("waiting for changes") { _ in try await watch.run() }
        }
        if output.format == .table { CommandIO.current.note(Text.count(watch.shown, "event")) }
    }
}

/// A live view of shadows that outlives its connections.
final class ShadowWatch: Sendable {
    private struct State {
        var request: Hedgerow_Shadow_V1_WatchShadowRequest
        var shown = 0
        /// Whether the server has said something on this connection.
        var isConnected = false
        var isCaughtUp = false
    }

    private let limit: Int?
    private let follows: Bool
    private let format: OutputFormat
    private let home: HomeOptions
    private let state: Mutex<State>

    init(
        request: Hedgerow_Shadow_V1_WatchShadowRequest, limit: Int?, follows: Bool, format: OutputFormat,
        home: HomeOptions
    ) {
        self.limit = limit
        self.follows = follows
        self.format = format
        self.home = home
        state = Mutex(State(request: request))
    }

    /// How many events were shown.
    var shown: Int { state.withLock { $0.shown } }

    private var isDone: Bool {
        state.withLock { state in
            if !follows, state.isCaughtUp { return true }
            return limit.map { state.shown >= $0 } ?? false
        }
    }

    func run() async throws {
        let io = CommandIO.current
        var backoff = Backoff(maximum: .seconds(30))
        var wasConnected = false
        while true {
            state.withLock { $0.isConnected = false }
            var reason = "the cloud ended the stream"
            do {
                try await home.withCloud { cloud in try await self.follow(cloud) }
            } catch let error as CLIError where error.status == .unreachable {
                let connected = state.withLock { $0.isConnected }
                guard wasConnected || connected else { throw error }
                reason = "\(error)"
            }
            if isDone { return }
            if state.withLock({ $0.isConnected }) {
                wasConnected = true
                backoff.reset()
            }
            CLIError.note("\(reason); connecting again, where it broke", io)
            try await Task.sleep(for: backoff.next())
        }
    }

    private func follow(_ cloud: CloudSession) async throws {
        let request = state.withLock { $0.request }
        try await cloud.shadows.watchShadow(request) { response in
            for try await event in response.messages {
                self.state.withLock { $0.isConnected = true }
                try self.show(event)
                if self.isDone { return }
            }
        }
    }

    private func show(_ event: Hedgerow_Shadow_V1_WatchShadowResponse) throws {
        if event.caughtUp { state.withLock { $0.isCaughtUp = true } }
        if event.kind != .unspecified {
            let io = CommandIO.current
            switch format {
            case .table: try io.writeOutput(try ShadowEventText.block(event, coloured: io.isColoured))
            case .json: try io.print(ShadowEventText.json(event).compact)
            }
        }
        state.withLock { state in
            if event.kind != .unspecified { state.shown += 1 }
            // Only what was shown: after a break it goes on with the next.
            if !event.position.isEmpty {
                state.request.afterPosition = event.position
                state.request.afterVersion = 0
            }
        }
    }
}
