import Components
import HedgerowAPI
import Messaging
import RPCSupport
import StreamStore
import SwiftProtobuf
import Transforms

/// Passes a batch through the components that its routes lead to, and what they publish through those behind them.
///
/// It writes nothing and fails never as a whole: a message that a component fails on becomes a dead letter of that
/// component, and the others go on. Bounded: a message passes at most ``Hedgerow_Type_V1_Origin/maximumChain``
/// components, one batch leads to at most ``maximumPasses`` passes and ``maximumBytes`` bytes; what would exceed the
/// first two fails where it would, what exceeds the last is for the caller to refuse.
struct Deriver {
    /// Most passes of a batch, whole or in part, through a component that one batch of a thing's leads to.
    static let maximumPasses = 1_024
    /// Most bytes that components may make of one batch of a thing's.
    static let maximumBytes = 64 << 20
    /// Most bytes of the reason of a dead letter.
    static let maximumReasonBytes = 256

    /// Messages on their way to components.
    struct Input {
        /// The messages.
        let batch: Batch
        /// Origin sequence of each, ascending; empty with QoS 0.
        let sequences: [UInt64]
        /// The output that they come from; nil for the thing's own.
        var from: DerivedOutput?
        /// How many components they have passed.
        var passed = 0
    }

    /// What one pass has found so far.
    struct Pass {
        let component: RunningComponent
        let path: String
        let source: StreamBatch.Source
        let input: Input
        var tally: ComponentTally
        /// Cause of the failure of each row that failed.
        var failures: [Int: String] = [:]
        /// `traceparent` of the span of each sampled row.
        var traces: [UInt32: String] = [:]

        mutating func fail(_ rows: some Sequence<Int>, _ cause: String) {
            for row in rows where failures[row] == nil { failures[row] = cause }
        }

        func sequences(_ rows: [Int]) -> [UInt64] {
            input.sequences.isEmpty ? [] : rows.map { input.sequences[$0] }
        }
    }

    private let thing: String
    private let table: RoutingTable
    private let router: Router
    private let host: any TransformHost
    let tracer: MessageTracer?
    /// How much waits for an instance whose messages wait in an inbox.
    private let usage: (String) throws -> StoredInbox.Usage
    private let check = BatchCheck()
    private var passes = 0
    /// What came out.
    var derivation = Derivation()

    init(
        thing: String, table: RoutingTable, router: Router, host: any TransformHost,
        tracer: MessageTracer? = nil,
        usage: @escaping (String) throws -> StoredInbox.Usage = { _ in StoredInbox.Usage() }
    ) {
        self.usage = usage
        self.thing = thing
        self.table = table
        self.router = router
        self.host = host
        self.tracer = tracer
    }

    /// Whether it took more passes than it may: messages failed for that.
    var hasTooManyPasses: Bool { passes > Self.maximumPasses }

    /// Whether more came out than may.
    var isTooLarge: Bool { derivation.bytes > Self.maximumBytes }

    /// Passes messages through components, each of which is given all of them.
    mutating func derive(_ input: Input, to instances: [String]) {
        let readings = ReadingBatch(input.batch, thing: thing)
        for instance in instances {
            guard !isTooLarge, let component = table.component(instance) else { continue }
            let path = input.from?.path(to: instance) ?? instance
            var pass = Pass(
                component: component, path: path,
                source: .init(
                    component: component.component, version: component.version, revision: table.revision),
                input: input, tally: ComponentTally(component, generation: table.generation))
            let spans = begin(&pass)
            run(&pass, readings: readings)
            end(spans, pass)
            sendDeadLetters(&pass)
            derivation.tallies.append(pass.tally)
        }
    }

    private mutating func run(_ pass: inout Pass, readings: ReadingBatch?) {
        let rows = 0..<pass.input.batch.count
        pass.tally.input = UInt64(rows.count)
        passes += 1
        if passes > Self.maximumPasses {
            pass.fail(rows, "it led to more than \(Self.maximumPasses) passes through components")
            return
        }
        switch pass.component.state {
        case .unusable(let problem):
            pass.fail(rows, problem)
        case .process: wait(&pass)
        case .ready(let transform):
            for output in transform.outputs where mayReachCloud(output, of: pass.component.instance) {
                derivation.tracked.insert(DerivedOutput(path: pass.path, index: UInt32(output.index)).key)
            }
            guard let readings else {
                pass.fail(rows, "the message is no reading but a payload, which transforms do not take")
                return
            }
            let result = transform.process(readings, host: host, settings: pass.component.settings)
            pass.tally.filtered = UInt64(result.filtered)
            for update in result.shadows {
                derivation.shadows.append(
                    ShadowEffect(update, thing: thing, component: pass.component))
            }
            for failure in result.failures { pass.fail(CollectionOfOne(failure.row), failure.cause) }
            for output in result.outputs {
                publish(
                    continuing(Batch(output.batch), rows: output.rows, pass), rows: output.rows,
                    index: UInt32(output.index), &pass)
            }
        }
    }

    // MARK: Processes

    /// Puts messages where a program will take them from, or fails them where there is no room for them.
    private mutating func wait(_ pass: inout Pass) {
        let rows = 0..<pass.input.batch.count
        let instance = pass.component.instance
        let isTransient = pass.input.sequences.isEmpty
        do {
            // What waits since this batch began is not counted: the bound may be passed by one batch.
            guard try isTransient || usage(instance).hasRoom(for: rows.count, 0) else {
                pass.fail(
                    rows,
                    "the inbox of component instance \"\(instance)\" is full (\(InboxLimits.messages) messages or "
                        + "\(InboxLimits.bytes >> 20) MiB); its program is too slow or does not run")
                return
            }
        } catch {
            pass.fail(rows, "the inbox of component instance \"\(instance)\" cannot be read: \(error)")
            return
        }
        derivation.waiting.append(.init(instance: instance, input: pass.input))
    }

    /// Sends out what the program of an instance made of one message, or of none: each of its messages as an output of
    /// its own, or the failure as a dead letter.
    ///
    /// - Parameters:
    ///   - messages: what it publishes; checked by whoever took them from the program.
    ///   - failure: why it could not handle the message; nil where it could.
    ///   - input: the message.
    ///   - index: output of the first one; nil counts from 0.
    mutating func emit(
        _ messages: [PlainMessage], failure: String?, by component: RunningComponent, for input: Input,
        index: UInt32? = nil
    ) {
        let path = input.from?.path(to: component.instance) ?? component.instance
        var pass = Pass(
            component: component, path: path,
            source: .init(
                component: component.component, version: component.version, revision: table.revision),
            input: input, tally: ComponentTally(component, generation: table.generation))
        passes += 1
        if let failure {
            pass.fail(CollectionOfOne(0), failure)
        } else {
            for (number, message) in messages.enumerated() {
                var batch = Batch(message)
                if !message.hasTime {
                    batch.baseTime = Microseconds.timestamp(input.batch.sampleTime(row: 0))
                }
                publish(batch, rows: [0], index: index ?? UInt32(number), &pass)
            }
            if messages.isEmpty { pass.tally.filtered = 1 }
        }
        sendDeadLetters(&pass)
        derivation.tallies.append(pass.tally)
    }

    private func mayReachCloud(_ output: TransformOutputDeclaration, of instance: String) -> Bool {
        switch output.topic {
        case .literal(let topic):
            router.route(fromComponent: instance, topic: topic, by: table).cloudStream != nil
        case .computed: table.reachesStreams(component: instance)
        }
    }

    /// Sends out what an output published, in parts where it is too large for one batch.
    private mutating func publish(_ batch: Batch, rows: [Int], index: UInt32, _ pass: inout Pass) {
        let checked: IncomingPublication.Checked
        do throws(IncomingPublication.Refusal) {
            checked = try check.check(batch)
        } catch {
            if error.reason == .messageTooLarge, rows.count > 1 {
                let half = rows.count / 2
                publish(batch.selecting(0..<half), rows: Array(rows[..<half]), index: index, &pass)
                publish(batch.selecting(half..<rows.count), rows: Array(rows[half...]), index: index, &pass)
            } else {
                pass.fail(rows, "what it publishes is refused: \(error.detail)")
            }
            return
        }
        var route = router.route(fromComponent: pass.component.instance, topic: checked.topic, by: table)
        if pass.input.passed + 1 >= Hedgerow_Type_V1_Origin.maximumChain, !route.components.isEmpty {
            pass.fail(
                rows,
                "the message passed \(Hedgerow_Type_V1_Origin.maximumChain) components, and no more are allowed"
            )
            route.components = []
        }
        pass.tally.output += UInt64(rows.count)
        send(checked, rows: rows, as: DerivedOutput(path: pass.path, index: index), route: route, pass)
    }

    private mutating func send(
        _ checked: IncomingPublication.Checked, rows: [Int], as output: DerivedOutput, route: Route,
        _ pass: Pass
    ) {
        let sequences = pass.sequences(rows)
        derivation.bytes += checked.encoded.count
        if !route.streams.isEmpty || !route.things.isEmpty {
            derivation.pieces.append(
                .init(
                    output: output, source: pass.source, batch: checked.batch, encoded: checked.encoded,
                    sequences: sequences, route: route))
        }
        if route.shadow {
            derivation.shadows.append(
                contentsOf: ShadowEffect.of(
                    checked.batch, topic: checked.topic, thing: thing,
                    author: "component:\(pass.component.instance)", component: pass.component
                ) { table.shadows.refusal(of: pass.component, thing: $0, ofMessage: thing, writes: true) })
        }
        guard !route.components.isEmpty else { return }
        derive(
            Input(batch: checked.batch, sequences: sequences, from: output, passed: pass.input.passed + 1),
            to: route.components)
    }

    // MARK: Dead letters

    private mutating func sendDeadLetters(_ pass: inout Pass) {
        guard !pass.failures.isEmpty else { return }
        for cause in pass.failures.values { pass.tally.failures[cause, default: 0] += 1 }
        let rows = pass.failures.keys.sorted()
        let output = DerivedOutput(path: pass.path, index: Hedgerow_Type_V1_Origin.deadLetterOutput)
        let name = DeadLetter.topic(ofInstance: pass.component.instance)
        var route = Route()
        if let topic = try? Topic(name) {
            route = router.route(fromComponent: pass.component.instance, topic: topic, by: table)
        }
        if pass.input.passed + 1 >= Hedgerow_Type_V1_Origin.maximumChain { route.components = [] }
        guard !route.isEmpty else {
            // An output may go on in several batches, so that a component is passed more than once for one of the thing's.
            if !pass.input.sequences.isEmpty {
                derivation.unrouted[output, default: []].append(contentsOf: pass.sequences(rows))
            }
            return
        }
        sendDeadLetters(rows, topic: name, as: output, route: route, pass)
    }

    private mutating func sendDeadLetters(
        _ rows: [Int], topic: String, as output: DerivedOutput, route: Route, _ pass: Pass
    ) {
        var batch = continuing(pass.input.batch.selecting(rows), rows: rows, pass)
        let reasons = rows.map { row in
            "\(pass.input.batch.topic): \(pass.failures[row] ?? "")".prefix(utf8: Self.maximumReasonBytes)
        }
        batch.topic = topic
        // A payload goes as it is: it has no place for a reason, which the component's status tells.
        if case .readings? = batch.content { batch.readings.statuses = Self.statuses(reasons) }
        if let checked = try? check.check(batch, deadLettersOf: pass.component.instance) {
            send(checked, rows: rows, as: output, route: route, pass)
        } else if rows.count > 1 {
            let half = rows.count / 2
            sendDeadLetters(Array(rows[..<half]), topic: topic, as: output, route: route, pass)
            sendDeadLetters(Array(rows[half...]), topic: topic, as: output, route: route, pass)
        } else {
            // A message that was nearly too large is too large with its reason: the reason alone goes.
            batch.readings = .with { $0.statuses = Self.statuses(reasons) }
            if let checked = try? check.check(batch, deadLettersOf: pass.component.instance) {
                send(checked, rows: rows, as: output, route: route, pass)
            }
        }
    }

    private static func statuses(_ reasons: [String]) -> [Hedgerow_Type_V1_RowStatus] {
        reasons.enumerated().map { row, reason in
            .with {
                $0.row = UInt32(row)
                $0.status = .notProcessed
                $0.reason = reason
            }
        }
    }
}
