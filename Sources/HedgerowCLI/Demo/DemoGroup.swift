/// What the demo deploys: the group, and a transform in two versions.
enum DemoGroup {
    static let core = "pi-1"
    static let thing = "bme680-1"
    static let name = "demo"
    static let component = "compensate-temperature"
    /// The thing's readings as the sensor gave them.
    static let rawTopic = "\(thing)/readings"
    /// The transform's output.
    static let correctedTopic = "republish/reading"
    static let firstVersion = "1.0.0"
    static let secondVersion = "1.1.0"

    /// The founding example: the sensor sits next to the processor and reads half-way between the air and that.
    static let celsius = """
        kind: Component
        name: \(component)
        version: \(firstVersion)
        description: Takes the processor's warmth out of the temperature, in °C
        transform:
          - let: {cpu: 'cpuTemperature(duration("8s"))'}    # mean over the last 8 s, sampled by the core
          - set:
              temperature: '2.0 * reading.temperature - cpu'
              cpu_temperature: {value: cpu, unit: °C}
          - publish: \(correctedTopic)
        access: {host: [cpu_temperature]}

        """

    /// The same in another unit.
    static let kelvin = """
        kind: Component
        name: \(component)
        version: \(secondVersion)
        description: Takes the processor's warmth out of the temperature, in K
        transform:
          - let: {cpu: 'cpuTemperature(duration("8s"))'}
          - set:
              temperature: {value: '2.0 * reading.temperature - cpu + 273.15', unit: K}
              cpu_temperature: {value: cpu, unit: °C}
          - publish: \(correctedTopic)
        access: {host: [cpu_temperature]}

        """

    /// The group with one version of the transform.
    static func definition(version: String) -> String {
        """
        kind: Group
        name: \(name)
        cores: [\(core)]
        things: [\(thing)]
        components:
          - {name: \(component), version: \(version)}
        subscriptions:
          - {from: 'thing:\(thing)', topic: \(rawTopic), to: 'component:\(component)'}
          - {from: 'component:\(component)', topic: \(correctedTopic), to: cloud}
          - {from: 'component:\(component)', topic: '$dead-letter/\(component)', to: cloud}
          - {from: 'thing:\(thing)', topic: \(rawTopic), to: cloud}
          - {from: cloud, topic: 'commands/\(thing)/#', to: 'thing:\(thing)'}

        """
    }
}
