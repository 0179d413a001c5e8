import Logging
import PKI
import ServiceLifecycle
import Supervision
import Synchronization
import Transforms

/// The temperature of the machine's CPU, for the components whose recipe asks for it: sampled once a second while
/// such a component runs, ten minutes of it kept.
///
/// The file holds a whole number of thousandths of a degree Celsius, as the Linux kernel writes it
/// (https://docs.kernel.org/driver-api/thermal/sysfs-api.html, `temp`). Many machines have none: a component then
/// fails on its messages with the path and the cause.
final class CPUTemperature: Service, TransformHost {
    /// Where Linux has the temperature of the first thermal zone, the CPU's on a Raspberry Pi.
    static let defaultPath = "/sys/class/thermal/thermal_zone0/temp"
    /// Most samples kept: one a second for as long as a mean may reach back.
    static let maximumSamples = 600
    /// Age at which the newest sample does not count any more.
    static let maximumAge = Duration.seconds(5)
    /// Time between two samples.
    static let interval = Duration.seconds(1)

    private struct Sample {
        /// When, on the monotonic clock.
        let time: Duration
        let celsius: Double
    }

    private struct State {
        var ring: [Sample] = []
        /// Index of the oldest sample once the ring is full.
        var start = 0
        var newest: Sample?
        /// Why the last attempt gave none.
        var problem: String?
        var isLogged = false
    }

    private let path: String
    private let clock: MonotonicClock
    private let isWanted: @Sendable () -> Bool
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameters:
    ///   - path: the file.
    ///   - clock: measures the age of samples and waits between them.
    ///   - isWanted: whether a component that runs may ask for it.
    ///   - logger: told when the file cannot be read.
    init(
        path: String, clock: MonotonicClock = .continuous, isWanted: @escaping @Sendable () -> Bool,
        logger: Logger
    ) {
        self.path = path
        self.clock = clock
        self.isWanted = isWanted
        self.logger = logger
    }

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                if self.isWanted() {
                    await self.sample()
                } else {
                    self.forget()
                }
                try await self.clock.sleep(Self.interval)
            }
        }
    }

    /// Takes a sample now, so that a component that is about to run finds one. Does nothing where there is one.
    func prepare() async {
        let now = clock.now()
        let isFresh = state.withLock { $0.newest.map { now - $0.time <= Self.maximumAge } ?? false }
        if !isFresh { await sample() }
    }

    // MARK: TransformHost

    func cpuTemperature(over span: Duration?) throws(HostFailure) -> Double {
        let now = clock.now()
        let answer = state.withLock { state -> Result<Double, HostFailure> in
            guard let newest = state.newest, now - newest.time <= Self.maximumAge else {
                let cause =
                    state.problem ?? (state.newest == nil ? "no sample yet" : "the last sample is too old")
                return .failure(HostFailure("the CPU temperature cannot be read from \(path): \(cause)"))
            }
            guard let span else { return .success(newest.celsius) }
            var sum = 0.0
            var count = 0
            for sample in state.ring where now - sample.time <= span {
                sum += sample.celsius
                count += 1
            }
            // The newest may be older than a short span, and is the best that there is then.
            return .success(count == 0 ? newest.celsius : sum / Double(count))
        }
        return try answer.get()
    }

    // MARK: Sampling

    private func sample() async {
        let path = path
        let outcome: Result<Double, TemperatureFile.Problem>
        do {
            outcome = .success(try await BlockingIO.run { try TemperatureFile.celsius(at: path) })
        } catch {
            outcome = .failure(error as? TemperatureFile.Problem ?? .init(description: "\(error)"))
        }
        let now = clock.now()
        let problem = state.withLock { state -> String? in
            switch outcome {
            case .success(let celsius):
                let sample = Sample(time: now, celsius: celsius)
                if state.ring.count < Self.maximumSamples {
                    state.ring.append(sample)
                } else {
                    state.ring[state.start] = sample
                    state.start = (state.start + 1) % Self.maximumSamples
                }
                state.newest = sample
                state.problem = nil
                state.isLogged = false
                return nil
            case .failure(let problem):
                state.problem = problem.description
                defer { state.isLogged = true }
                return state.isLogged ? nil : problem.description
            }
        }
        guard let problem else { return }
        logger.warning(
            "the CPU temperature cannot be read; components that need it fail on their messages",
            metadata: ["file.path": "\(path)", "error.message": "\(problem)"])
    }

    /// Nobody asks any more: what is kept would be old when somebody does.
    private func forget() {
        state.withLock { state in
            guard state.newest != nil || state.problem != nil else { return }
            let now = clock.now()
            // A sample may have been taken for a component that is about to run.
            if let newest = state.newest, now - newest.time <= Self.maximumAge { return }
            state = State()
        }
    }
}
