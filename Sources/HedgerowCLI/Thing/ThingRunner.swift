import ArgumentParser
import Foundation
import Logging
import OTLPExporter
import PKI
import ServiceLifecycle
import Synchronization
import ThingClient
import UnixSignals

/// Runs a thing from the command line: samples, publishes, hears commands, prints, and keeps the files.
final class ThingRunner: Sendable {
    /// Work that goes on beside the sampling until it ends, given a way to say something on standard error.
    typealias Companion = @Sendable (_ report: @escaping @Sendable (String) -> Void) async throws -> Void

    private let name: String
    private let thing: Thing
    private let source: any ReadingSource
    private let topic: String
    private let commandTopic: String
    private let qos: DeliveryGuarantee
    private let count: Int?
    private let duration: Duration?
    private let quiet: Bool
    private let statsFile: String?
    private let ackLog: LineWriter?
    private let companion: Companion?
    private let control = SamplingControl()
    private let stopped = ChangeSignal()
    private let output = LineWriter(.standardOutput, whenFull: .drop)
    private let messages: LineWriter
    private let printer: ReadingPrinter

    init(
        name: String, configuration: ThingConfiguration, source: any ReadingSource, topic: String,
        commandTopic: String, qos: DeliveryGuarantee, count: Int?, duration: Duration?, quiet: Bool,
        statsFile: String?, ackLog: String?, companion: Companion? = nil
    ) throws {
        self.name = name
        self.source = source
        self.topic = topic
        self.commandTopic = commandTopic
        self.qos = qos
        self.count = count
        self.duration = duration
        self.quiet = quiet
        self.statsFile = statsFile
        let acknowledgements = try ackLog.map { try LineWriter.appending(to: $0) }
        self.ackLog = acknowledgements
        self.companion = companion
        let printer = ReadingPrinter(output: output)
        self.printer = printer
        let messages = LineWriter(.standardError, whenFull: .drop)
        self.messages = messages
        let reporter = ThingEventReporter(quiet: quiet, write: messages.write)
        var configuration = configuration
        configuration.onEvent = { event in
            switch event {
            case .acknowledged(let epoch, let sequences):
                acknowledgements?.write("\(epoch) \(sequences.lowerBound) \(sequences.upperBound)")
                printer.acknowledged(sequences)
            case .rejected(let sequences?, let reason, _):
                printer.rejected(sequences, reason: "\(reason)")
            default: break
            }
            reporter.report(event)
        }
        self.thing = try Thing(configuration: configuration)
    }

    /// Runs, and sends what is recorded of it to a collector where the environment names one.
    func run(exporting tracing: ProgramTracing) async throws {
        let logger = Logger(label: "hedgerow.thing") { [messages] _ in
            MessageLogHandler(write: messages.write)
        }
        let name = name
        let runner = ClosureService { [self] in try await run() }
        let services =
            tracing.services(instance: { name }, version: HedgerowVersion.current, logger: logger) + [
                .init(
                    service: runner, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup)
            ]
        try await ServiceGroup(configuration: ServiceGroupConfiguration(services: services, logger: logger))
            .run()
    }

    /// Runs until the source, the count or the time is at its end, or a signal comes; then flushes.
    func run() async throws {
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { [thing] in try await thing.run() }
                group.addTask { [self] in try await keepFiles() }
                if !commandTopic.isEmpty {
                    let commands = try thing.commands(commandTopic)
                    group.addTask { [self] in try await hear(commands) }
                }
                group.addTask { [self] in try await obeySignals() }
                if let companion {
                    group.addTask { [messages] in try await companion(messages.write) }
                }
                group.addTask { [self] in
                    try await sampleUntilTold()
                    thing.close()
                }
                defer { group.cancelAll() }
                // The first to end well is the sampler, then the commands, then the thing itself; the files are
                // kept until then.
                while try await group.next() != nil {
                    if thing.hasEnded { break }
                }
            }
            try await end()
        } catch {
            // The error that ended it matters more than one of writing the counts.
            try? await end()
            throw error
        }
    }

    private func end() async throws {
        if !quiet {
            printer.flush(acknowledgedThrough: thing.statistics.lastAcknowledgedSequence, all: true)
        }
        try await writeStatistics()
        await output.drain()
        await messages.drain()
        await ackLog?.drain()
    }

    // MARK: sampling

    /// The first signal ends the sampling, the second one everything.
    private func obeySignals() async throws {
        var count = 0
        for await signal in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
            count += 1
            if count > 1 { throw ExitCode(130) }
            if !quiet { messages.write("\(signal): ending; what is buffered is flushed first.") }
            stopped.notify()
        }
    }

    private func sampleUntilTold() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [self] in _ = try await stopped.wait(after: 0) }
            group.addTask { [self] in
                guard let duration else { return try await sample() }
                _ = try await Deadline.run(duration, clock: ContinuousClock()) { [self] in try await sample()
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func sample() async throws {
        var source = source
        let clock = ContinuousClock()
        var due = clock.now
        var published = 0
        var failures = FailureLog()
        while count.map({ published < $0 }) ?? true {
            if let interval = control.takeInterval(), !source.setInterval(interval) {
                messages.write("The interval of a replay is that of its file; use --speed.")
            }
            guard let delay = try await source.nextDelay(after: Date()) else { return }
            due += delay
            // After a suspension or a long pause the pace begins anew instead of catching up.
            if clock.now - due > max(.seconds(1), delay * 5) { due = clock.now }
            guard try await wait(until: due) else {
                due = clock.now
                continue
            }
            let now = Date()
            guard let reading = try await source.read(at: now) else { return }
            // Said whether quiet or not: it is an error, and told once.
            if let line = failures.line(for: reading.failure, at: clock.now) { messages.write(line) }
            let receipt = try await thing.publish(try reading.message(topic: topic, at: now), qos: qos)
            published += 1
            if !quiet {
                printer.published(
                    ReadingPrinter.text(of: reading, topic: topic, at: now), sequence: receipt.sequence)
            }
        }
    }

    /// Waits until a reading is due, and while the thing is paused.
    ///
    /// - Returns: False where a new interval came first: the reading is given up for one at the new pace.
    private func wait(until due: ContinuousClock.Instant) async throws -> Bool {
        let clock = ContinuousClock()
        var seen = control.changed.version
        while true {
            if control.hasInterval { return false }
            let left = due - clock.now
            if control.isPaused {
                seen = try await control.changed.wait(after: seen)
            } else if left <= .zero {
                return true
            } else {
                let version = seen
                let changed = try await Deadline.run(left, clock: clock) { [control] in
                    try await control.changed.wait(after: version)
                }
                if let changed { seen = changed }
            }
        }
    }

    // MARK: commands

    private func hear(_ commands: CommandSequence) async throws {
        for try await command in commands {
            if !quiet { output.write("command  \(command)") }
            for instruction in ThingInstruction.read(command) { act(on: instruction) }
        }
    }

    private func act(on instruction: ThingInstruction) {
        let done: String
        switch instruction {
        case .interval(let interval):
            control.setInterval(interval)
            done = "sampling every \(interval)"
        case .pause:
            control.pause(true)
            done = "sampling is paused"
        case .resume:
            control.pause(false)
            done = "sampling goes on"
        case .identify:
            done = "*** this is \(name) ***"
        case .unknown(let why):
            messages.write("A command was not understood: \(why).")
            return
        }
        if !quiet { output.write("command  \(done)") }
    }

    // MARK: files

    private func keepFiles() async throws {
        var next = ContinuousClock.now
        while true {
            if ContinuousClock.now >= next {
                try await writeStatistics()
                next = .now + .seconds(1)
            }
            if !quiet { printer.flush(acknowledgedThrough: thing.statistics.lastAcknowledgedSequence) }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private func writeStatistics() async throws {
        guard let statsFile else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        let data = try encoder.encode(thing.statistics)
        try await BlockingIO.run {
            // A temporary file and a rename; counts need no fsync.
            try data.write(to: URL(fileURLWithPath: statsFile), options: .atomic)
        }
    }
}
