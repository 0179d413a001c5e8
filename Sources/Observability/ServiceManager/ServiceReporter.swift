public import Logging
public import ServiceLifecycle
import Synchronization

/// Tells the service manager how a program is: ready, alive, stopping, and a line of status.
///
/// ```swift
/// let reporter = ServiceReporter(
///     manager: ServiceManager(environment: environment), program: core.report, clock: ContinuousClock(), logger: logger)
/// let group = ServiceGroup(configuration: .init(services: reporter.services(around: core), …))
/// ```
///
/// A sign of life is given only after a round trip through every part that matters (``ProofOfLife``), so that a
/// program whose engine is stuck is restarted although its threads live. Without a manager it does nothing.
public struct ServiceReporter<Clock: _Concurrency.Clock<Duration>>: Service {
    /// How often the status is looked at; it is sent where it has changed.
    public static var statusInterval: Duration { .seconds(5) }

    /// When it is said again that the program is ready, where the manager's socket did not take it.
    static var readyInterval: Duration { .seconds(1) }

    private let manager: ServiceManager
    private let program: ReportedProgram
    private let clock: Clock
    private let logger: Logger
    private let watchdog: WatchdogBox?

    /// The rules of the watchdog, shared by the task that asks for proofs and the one that looks whether they come.
    private final class WatchdogBox: Sendable {
        private let state: Mutex<Watchdog>
        let patience: Duration

        init(_ watchdog: Watchdog) {
            patience = watchdog.patience
            state = Mutex(watchdog)
        }

        var hangs: Bool { state.withLock { $0.hangs } }

        func change<Value: Sendable>(_ body: (inout Watchdog) -> Value) -> Value {
            state.withLock { body(&$0) }
        }
    }

    /// Makes a reporter.
    ///
    /// - Parameters:
    ///   - manager: who is told.
    ///   - program: what is told.
    ///   - clock: when something is due.
    ///   - logger: told when the engine hangs.
    public init(manager: ServiceManager, program: ReportedProgram, clock: Clock, logger: Logger) {
        self.manager = manager
        self.program = program
        self.clock = clock
        self.logger = logger
        watchdog = manager.watchdog.map { WatchdogBox(Watchdog(timeout: $0)) }
    }

    /// The reporter and a program, in the order that a service group needs: signs of life go on until the program has
    /// ended, and that it stops is said first of all.
    public func services(around program: any Service) -> [ServiceGroupConfiguration.ServiceConfiguration] {
        [
            .init(service: self),
            .init(service: program, successTerminationBehavior: .gracefullyShutdownGroup),
            .init(service: StoppingNotice(manager: manager)),
        ]
    }

    /// Reports until it is told to stop.
    public func run() async throws {
        guard manager.isListening else {
            try? await gracefulShutdown()
            return
        }
        let begin = clock.now
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await reportStatus() }
                if let watchdog {
                    group.addTask { await prove(watchdog, since: begin) }
                    group.addTask { await watch(watchdog, since: begin) }
                }
            }
        }
    }

    // MARK: Status

    private func reportStatus() async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                guard (try? await program.ready()) != nil else { return }
                // The manager's queue may be full for a moment, and whoever is not known to be ready is killed.
                while !manager.notify(.ready, .status(program.status())), manager.isListening {
                    guard (try? await clock.sleep(for: Self.readyInterval)) != nil else { return }
                }
            }
            var last = ""
            repeat {
                let status = program.status()
                // While the engine hangs, that is what there is to say.
                if status != last, watchdog?.hangs != true {
                    if manager.notify(.status(status)) { last = status }
                }
            } while (try? await clock.sleep(for: Self.statusInterval)) != nil
        }
    }

    // MARK: Signs of life

    /// Asks for proofs, one round after the other. Where the engine hangs, so does this.
    private func prove(_ watchdog: WatchdogBox, since begin: Clock.Instant) async {
        while !Task.isCancelled {
            watchdog.change { $0.beginRound(at: begin.duration(to: clock.now)) }
            var answered = true
            for proof in program.proofs() where answered {
                watchdog.change { $0.come(to: proof.part) }
                answered = await isAnswered(proof)
            }
            let (action, next) = watchdog.change { [answered] in
                $0.endRound(at: begin.duration(to: clock.now), answered: answered)
            }
            if let action { carryOut(action, watchdog.patience) }
            if (try? await clock.sleep(until: begin.advanced(by: next), tolerance: nil)) == nil { return }
        }
    }

    private func isAnswered(_ proof: ProofOfLife) async -> Bool {
        do {
            try await proof.check()
        } catch is ProofOfLife.NoAnswer {
            return false
        } catch {
            logger.debug(
                "a part of the engine answered with an error",
                metadata: ["part": "\(proof.part)", "error.message": "\(error)"])
        }
        return true
    }

    /// Says that the engine hangs, which the task that waits for its proof cannot.
    private func watch(_ watchdog: WatchdogBox, since begin: Clock.Instant) async {
        while (try? await clock.sleep(for: watchdog.patience / 8)) != nil {
            if let action = watchdog.change({ $0.look(at: begin.duration(to: clock.now)) }) {
                carryOut(action, watchdog.patience)
            }
        }
    }

    private func carryOut(_ action: Watchdog.Action, _ patience: Duration) {
        switch action {
        case .beat(let recovered):
            manager.notify(.watchdog)
            if recovered {
                logger.notice("the engine answers again")
                manager.notify(.status(program.status()))
            }
        case .reportHang(let part):
            logger.error(
                "the engine does not answer; no sign of life until it does",
                metadata: ["part": "\(part)", "waited": "\(patience)"])
            manager.notify(.status("Does not answer: \(part) has been silent for more than \(patience)."))
        }
    }
}

/// Says that a program stops, at the moment when it is told to.
private struct StoppingNotice: Service {
    let manager: ServiceManager

    func run() async throws {
        try? await gracefulShutdown()
        guard !Task.isCancelled else { return }
        manager.notify(.stopping, .status("Stops."))
    }
}
