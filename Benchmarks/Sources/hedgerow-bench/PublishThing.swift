import ArgumentParser
import ThingClient

/// `hedgerow-bench publish-thing`: the `ThingClient` library at full speed, one `publish` call a reading.
struct PublishThing: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish-thing",
        abstract: "Publish at full speed by the client library, one call and one plain map a reading.")

    @Option(help: "State directory of a thing that is enrolled.")
    var state: String

    @Option(help: "Topic of the readings.")
    var topic = "bench/readings"

    @Option(help: "Tasks that publish side by side.")
    var tasks = 1

    @Option(help: "How long to publish, seconds.")
    var seconds = 3.0

    @OptionGroup var cloud: CloudOptions

    func run() async throws {
        var configuration = ThingConfiguration(state: state)
        configuration.stream = "single"
        let (settings, topic, seconds, tasks) = (configuration, topic, seconds, tasks)
        let result = try await cloud.withCounter { counter in
            try await withThing(settings) { thing in
                try await thing.waitUntilConnected()
                // The connection and the session stand before the clock runs.
                try await thing.publishAndWait(topic, Self.reading(0))
                try await thing.flush()
                let before = try await counter?.settled() ?? 0
                let start = ContinuousClock.now
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<tasks {
                        group.addTask {
                            var number = 0
                            while ContinuousClock.now < start + .seconds(seconds) {
                                try await thing.publish(topic, Self.reading(number))
                                number += 1
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                try await thing.flush(timeout: .seconds(60))
                let acknowledged = ContinuousClock.now - start
                let readings = thing.statistics.acknowledged - 1
                var values = ["readings": Double(readings), "acknowledged_s": acknowledged.seconds]
                if let counter {
                    try await counter.wait(for: before + readings, within: .seconds(120))
                    values["committed_s"] = (ContinuousClock.now - start).seconds
                }
                return values
            }
        }
        JSONLine.print(result)
    }

    /// A reading as a program makes it: a plain map, made anew each time.
    private static func reading(_ number: Int) -> [String: ReadingValue] {
        let step = Double(number % 100) / 64
        return [
            "temperature": .double(21.375 + step), "humidity": .double(48.25 + step),
            "pressure": .double(1_013.25 + step), "gas_resistance": .double(120_034.5 + step),
        ]
    }
}
