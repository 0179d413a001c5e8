import ArgumentParser
import Components
import FoundationEssentials
import GRPCCore
import HedgerowAPI
import Messaging
import RPCSupport
import SwiftProtobuf

/// `hedgerow publish TOPIC`: a message from an operator.
struct PublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Publish a message and wait until the cloud has it on disk.",
        discussion: """
            The message goes out as yours, at QoS 1. It reaches things through subscriptions of their groups: \
            from: cloud, to: thing:NAME. Values are read as true or false, whole numbers, numbers, else as texts; \
            --text takes a text whatever it looks like.

            Example:
              hedgerow publish lamp/set --value on=true --value level=3
              hedgerow publish lamp/code --text code=007
              hedgerow publish lamp/config --payload @lamp.json --content-type text/json
            """)

    @Argument(help: "Topic, without wildcards.")
    var topic: String

    @Option(help: ArgumentHelp("A value of a reading; may be repeated.", valueName: "name=value"))
    var value: [String] = []

    @Option(help: ArgumentHelp("A text value of a reading; may be repeated.", valueName: "name=text"))
    var text: [String] = []

    @Option(
        help: ArgumentHelp(
            "Bytes in place of a reading; @FILE for a file, @- for standard input.", valueName: "text"))
    var payload: String?

    @Option(help: ArgumentHelp("Media type of the payload.", valueName: "type"))
    var contentType: String?

    @Option(help: ArgumentHelp("How long to wait for the acknowledgement.", valueName: "time"))
    var timeout = "30s"

    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if payload == nil && value.isEmpty && text.isEmpty {
            throw ValidationError("Give --value, --text or --payload.")
        }
        if payload != nil && !(value.isEmpty && text.isEmpty) {
            throw ValidationError("--payload excludes --value and --text.")
        }
        if contentType != nil && payload == nil {
            throw ValidationError("--content-type goes with --payload.")
        }
    }

    func run() async throws {
        guard let limit = try? TimeSpan(parsing: timeout), limit > .seconds(0) else {
            throw CLIError(.wrongUse, "--timeout is \"\(timeout)\"", hint: "write a span, such as 30s")
        }
        let io = CommandIO.current
        var message = Hedgerow_Type_V1_Message()
        message.topic = topic
        message.time = Google_Protobuf_Timestamp(date: io.now())
        message.content = try await content(io)
        let home = home
        let publication = OnePublication(message: message)
        let done: Void? = try await Progress.show("waiting until the cloud has it on disk") { _ in
            try await Interruption.run(for: limit.duration) { try await publication.send(home) }
        }
        guard done != nil else {
            throw CLIError(
                .timedOut, "the cloud did not acknowledge the message within \(limit)",
                hint: "it may have it all the same; see hedgerow history --topic \(topic)")
        }
        try output.write(
            json: .object([
                ("topic", .text(topic)), ("epoch", .text(RecordText.hexadecimal(publication.epoch))),
                ("sequence", .integer(1)), ("acknowledged", .boolean(true)),
            ]),
            table: "Published to \(topic); the cloud has it on disk.\n")
    }

    /// What the message says.
    func content(_ io: CommandIO) async throws -> Hedgerow_Type_V1_Message.OneOf_Content {
        if let payload {
            var content = Hedgerow_Type_V1_Payload()
            if payload.hasPrefix("@") {
                content.data = try await io.readData(String(payload.dropFirst()))
                content.contentType = contentType ?? "application/octet-stream"
            } else {
                content.data = Data(payload.utf8)
                content.contentType = contentType ?? "text/plain; charset=utf-8"
            }
            guard content.data.count <= 1 << 20 else {
                throw CLIError(
                    .wrongUse, "the payload has \(content.data.count) bytes", hint: "at most 1 MiB is allowed"
                )
            }
            return .payload(content)
        }
        var reading = Hedgerow_Type_V1_Reading()
        for (option, texts) in [("--value", value), ("--text", text)] {
            for text in texts {
                guard
                    let (name, value) = option == "--value"
                        ? ValueText.parse(text) : ValueText.parseText(text)
                else {
                    throw CLIError(.wrongUse, "\(option) is \"\(text)\"", hint: "write NAME=VALUE")
                }
                guard reading.values.updateValue(value, forKey: name) == nil else {
                    throw CLIError(.wrongUse, "the value \(name) is given twice", hint: "remove one")
                }
            }
        }
        return .reading(reading)
    }
}

/// One message on its way, which may be sent again and is stored once: its epoch and sequence stay the same.
struct OnePublication: Sendable {
    let message: Hedgerow_Type_V1_Message
    /// 16 random bytes.
    let epoch = Data((0..<16).map { _ in UInt8.random(in: .min ... .max) })
    /// Two commands at once would end each other's session under one name; they rarely meet under one of these,
    /// and try again where they do.
    private let stream = "cli-\(Int.random(in: 0..<16))"

    init(message: Hedgerow_Type_V1_Message) {
        self.message = message
    }

    func send(_ home: HomeOptions) async throws {
        var backoff = Backoff(initial: .milliseconds(100), maximum: .seconds(5))
        while try await !home.withCloud({ cloud in try await self.attempt(cloud) }) {
            try await Task.sleep(for: backoff.next())
        }
    }

    /// Sends once; false where another command took the session over.
    private func attempt(_ cloud: CloudSession) async throws -> Bool {
        var request = Hedgerow_Telemetry_V1_PublishRequest()
        request.session.stream = stream
        request.session.epoch = epoch
        request.session.oldestSequence = 1
        request.session.level = .synced
        var publication = Hedgerow_Telemetry_V1_Publication()
        publication.sequence = 1
        publication.message = message
        request.publications = [publication]
        let first = request
        // The request stays open until the answer is there.
        let (answered, answer) = AsyncStream.makeStream(of: Never.self)
        do {
            return try await cloud.telemetry.publish { writer in
                try await writer.write(first)
                for await _ in answered {}
            } onResponse: { response in
                defer { answer.finish() }
                for try await message in response.messages {
                    if let rejection = message.rejected.first(where: { $0.firstSequence <= 1 }) {
                        throw Self.refusal(rejection)
                    }
                    if message.acknowledgedSequence >= 1 { return true }
                }
                throw CLIError(
                    .unreachable, "the cloud ended the call without acknowledging the message",
                    hint: "try again")
            }
        } catch let error as RPCError where HedgerowError(error)?.reason == .sessionSuperseded {
            return false
        }
    }

    /// A rejection as an error.
    static func refusal(_ rejection: Hedgerow_Telemetry_V1_Rejection) -> CLIError {
        let detail = rejection.detail.isEmpty ? "no reason given" : rejection.detail
        return CLIError(
            CLIError.status(of: rejection.reason),
            "the cloud rejected the message (\(rejection.reason.wireName))",
            hint: detail)
    }
}
