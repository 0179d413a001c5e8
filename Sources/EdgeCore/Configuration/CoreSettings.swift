import Components
public import Observability

/// The keys of the core's configuration, and the configuration that they give.
public enum CoreSettings {
    /// Every key, with its default and what it is for.
    public static let keys: [SettingKey] =
        [
            SettingKey(
                name: "state", .path, default: CoreConfiguration.defaultState,
                summary: "Directory of everything that the core keeps; one core, one directory."),
            SettingKey(
                name: "token", .path,
                summary: "Token file to enrol with; for the first start, ignored afterwards."),
            SettingKey(
                name: "listen.host", .text, default: "0.0.0.0",
                summary:
                    "Address to serve things at: an IP address of this machine, 0.0.0.0 or :: for all, localhost."
            ),
            SettingKey(
                name: "listen.port", .integer(0...65_535), default: "\(CoreConfiguration.defaultPort)",
                summary:
                    "TCP port to serve things at; 0 lets the system choose (see ports.json in the state)."),
            SettingKey(
                name: "advertise", .list,
                summary:
                    "Addresses to report to the cloud, the best first: HOST, HOST:PORT or [IPV6]:PORT, at most 32. "
                    + "Default: those of this machine's interfaces, and its host name."),
            SettingKey(
                name: "cpuTemperaturePath", .path, default: CPUTemperature.defaultPath,
                summary:
                    "File with the temperature of the CPU, a whole number of thousandths of a °C; read once a second "
                    + "while a component runs whose recipe asks for it."),
            SettingKey(
                name: "limits.connectedThings", .integer(1...100_000), default: "\(defaults.connectedThings)",
                summary: "Things that may be connected at once; further ones are told to use another core."),
            SettingKey(
                name: "limits.connectionsPerThing", .integer(1...1_000),
                default: "\(defaults.connectionsPerThing)",
                summary: "Connections that one thing may have at once; a further one ends the oldest."),
            SettingKey(
                name: "limits.callsPerThing", .integer(1...10_000), default: "\(defaults.callsPerThing)",
                summary: "Calls that one thing may have open at once."),
            SettingKey(
                name: "limits.messagesPerSecondPerThing", .integer(0...1_000_000_000),
                default: "\(defaults.messagesPerSecondPerThing)",
                summary:
                    "Messages that one thing may publish in a second, all its streams together; 0 for any number. One "
                    + "that is faster waits."),
            SettingKey(
                name: "limits.bytesPerSecondPerThing",
                .size(ByteSize(bytes: 0)...ByteSize.mebibytes(1_048_576)),
                default: "\(defaults.bytesPerSecondPerThing)",
                summary:
                    "Bytes that one thing may publish in a second, as the core holds them (256 more for each "
                    + "publication); 0 for any number. One that is faster waits."),
            SettingKey(
                name: "limits.subscriberMessages", .integer(1...1_000_000),
                default: "\(defaults.subscriberMessages)",
                summary: "Messages that wait for one subscriber; what falls out is counted."),
            SettingKey(
                name: "limits.subscriberAge", .duration(TimeSpan.seconds(1)...TimeSpan.days(30)),
                default: "24h",
                summary: "How long a message waits for a subscriber that is away."),
            SettingKey(
                name: "limits.uplinkBytes", .size(ByteSize.kibibytes(64)...ByteSize.mebibytes(1_024)),
                default: "8MiB",
                summary: "Payload that may be under way to the cloud without its acknowledgement."),
            SettingKey(
                name: "limits.ballast", .size(ByteSize.mebibytes(1)...ByteSize.mebibytes(1_024)),
                default: "16MiB",
                summary:
                    "Disk space held by the file ballast in the state directory, given up to work on when the disk is "
                    + "full."),
            SettingKey(
                name: "shadows.maxSize", .size(ByteSize.kibibytes(1)...ByteSize.kibibytes(64)),
                default: "30KiB",
                summary:
                    "Most bytes of desired and reported of a shadow here; one that is larger than the cloud takes is not "
                    + "synced."),
            SettingKey(
                name: "shadows.history", .integer(1...1_000), default: "\(defaults.shadowHistory)",
                summary: "Versions of each shadow that are kept."),
            SettingKey(
                name: "artifacts.maximum", .size(ByteSize(bytes: 0)...ByteSize.mebibytes(1_048_576)),
                default: "1GiB",
                summary:
                    "Disk space for artifacts (files of components): those of what runs and ran before stay, the rest goes "
                    + "the least recently used first."),
            SettingKey(
                name: "platform", .list,
                summary:
                    "What recipes may ask of this core beside its operating system and architecture: KEY=VALUE, such as "
                    + "camera=none, at most 30."),
            ProgramMetrics.key,
        ] + ProgramLogging.keys

    private static let defaults = CoreConfiguration.Limits()
}

extension CoreConfiguration {
    /// Takes the configuration from settings that were loaded with ``CoreSettings/keys``.
    ///
    /// - Throws: `SettingsError` where a key is missing.
    public init(_ settings: Settings) throws(SettingsError) {
        self.init(
            statePath: try settings.text("state"), tokenPath: try settings.optionalText("token"),
            listenHost: try settings.text("listen.host"), listenPort: try settings.integer("listen.port"),
            advertise: try settings.list("advertise"))
        cpuTemperaturePath = try settings.text("cpuTemperaturePath")
        limits.connectedThings = try settings.integer("limits.connectedThings")
        limits.connectionsPerThing = try settings.integer("limits.connectionsPerThing")
        limits.messagesPerSecondPerThing = try settings.integer("limits.messagesPerSecondPerThing")
        limits.bytesPerSecondPerThing = Int(
            clamping: try settings.size("limits.bytesPerSecondPerThing").bytes)
        limits.callsPerThing = try settings.integer("limits.callsPerThing")
        limits.subscriberMessages = try settings.integer("limits.subscriberMessages")
        limits.subscriberAge = try settings.duration("limits.subscriberAge").duration
        limits.uplinkBytes = Int(clamping: try settings.size("limits.uplinkBytes").bytes)
        limits.artifactBytes = try settings.size("artifacts.maximum").bytes
        limits.shadowBytes = Int(clamping: try settings.size("shadows.maxSize").bytes)
        limits.shadowHistory = try settings.integer("shadows.history")
        limits.ballastBytes = Int64(clamping: try settings.size("limits.ballast").bytes)
        platformKeys = try settings.list("platform")
    }
}
