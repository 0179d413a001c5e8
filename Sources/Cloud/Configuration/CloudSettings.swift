import Components
public import Observability

/// The keys of the cloud's configuration, and the configuration that they give.
public enum CloudSettings {
    /// Every key, with its default and what it is for.
    public static let keys: [SettingKey] =
        [
            SettingKey(
                name: "state", .path, default: "/var/lib/hedgerow-cloud",
                summary: "Directory of everything that the cloud keeps; one cloud, one directory."),
            SettingKey(
                name: "listen.host", .text, default: "0.0.0.0",
                summary:
                    "Address to serve everybody who has a certificate at: an IP address of this machine, "
                    + "0.0.0.0 or :: for all."),
            SettingKey(
                name: "listen.port", .integer(0...65_535), default: "8443",
                summary: "TCP port of it; 0 lets the system choose (see ports.json in the state)."),
            SettingKey(
                name: "enrollment.host", .text, default: "0.0.0.0",
                summary: "Address to serve enrolment at, where nobody has a certificate yet."),
            SettingKey(
                name: "enrollment.port", .integer(0...65_535), default: "8444",
                summary: "TCP port of it; 0 lets the system choose (see ports.json in the state)."),
            SettingKey(
                name: "advertise", .list,
                summary:
                    "Addresses to write into token files and the server certificate, the best first: HOST, "
                    + "HOST:PORT or [IPV6]:PORT. Default: this machine's host name and interfaces."),
            SettingKey(
                name: "enrollment.advertise", .list,
                summary: "The same for enrolment. Default: the hosts of `advertise`."),
            SettingKey(
                name: "trustDomain", .text, default: "hedgerow",
                summary: "Trust domain of all identities, characters a-z 0-9 . _ -; fixed at the first start."
            ),
            SettingKey(
                name: "authority.rotation", .duration(TimeSpan.seconds(1)...TimeSpan.days(300)),
                default: "7d",
                summary: "How often the CA of a group is replaced where its definition does not say."),
            SettingKey(
                name: "deployment.deadline", .duration(TimeSpan.seconds(1)...TimeSpan.days(1)), default: "5m",
                summary: "How long a core may take for a deployment once it was told."),
            SettingKey(
                name: "limits.callsPerIdentity", .integer(1...100_000), default: "1000",
                summary: "Calls that one identity may have open at once."),
            SettingKey(
                name: "retention.maxAge", .duration(TimeSpan.seconds(60)...TimeSpan.days(36_500)),
                default: "90d",
                summary: "Messages older than this are deleted from the history."),
            SettingKey(
                name: "retention.maxSize", .size(ByteSize.mebibytes(1)...ByteSize.mebibytes(1 << 30)),
                default: "10GiB",
                summary: "The oldest messages are deleted when the history is larger than this."),
            SettingKey(
                name: "artifacts.maxSize", .size(ByteSize(bytes: 1)...ByteSize.mebibytes(4 << 10)),
                default: "1GiB", summary: "Largest artifact (file of a component) that is taken."),
            SettingKey(
                name: "artifacts.maxTotalSize", .size(ByteSize(bytes: 1)...ByteSize.mebibytes(1 << 30)),
                default: "20GiB", summary: "Bytes that all artifacts may take; further ones are refused."),
            SettingKey(
                name: "artifacts.keepUnused", .duration(TimeSpan.seconds(60)...TimeSpan.days(36_500)),
                default: "24h",
                summary:
                    "How long an artifact that no component names, and an unfinished upload, stay after their last use."
            ),
            SettingKey(
                name: "shadows.maxSize", .size(ByteSize.kibibytes(1)...ByteSize.kibibytes(64)),
                default: "8KiB",
                summary: "Most bytes of desired and reported of a shadow."),
            SettingKey(
                name: "shadows.history", .integer(1...1_000), default: "20",
                summary: "Versions of each shadow that are kept."),
            ProgramMetrics.key,
        ] + ProgramLogging.keys
}

extension CloudConfiguration {
    /// Takes the configuration from settings that were loaded with ``CloudSettings/keys``.
    ///
    /// - Throws: `SettingsError` where a key is missing.
    public init(_ settings: Settings) throws(SettingsError) {
        self.init(
            stateDirectory: try settings.text("state"),
            listener: Listener(
                host: try settings.text("listen.host"), port: try settings.integer("listen.port")),
            enrollmentListener: Listener(
                host: try settings.text("enrollment.host"), port: try settings.integer("enrollment.port")),
            advertisedAddresses: try settings.list("advertise"),
            advertisedEnrollmentAddresses: try settings.list("enrollment.advertise"),
            trustDomain: try settings.text("trustDomain"),
            authorityRotation: try settings.duration("authority.rotation").duration,
            deploymentDeadline: try settings.duration("deployment.deadline").duration,
            maximumCallsPerIdentity: try settings.integer("limits.callsPerIdentity"),
            retention: Retention(
                maximumAge: try settings.duration("retention.maxAge").duration,
                maximumBytes: Int64(clamping: try settings.size("retention.maxSize").bytes)),
            artifacts: Artifacts(
                maximumSize: try settings.size("artifacts.maxSize").bytes,
                maximumTotalSize: try settings.size("artifacts.maxTotalSize").bytes,
                keepUnused: try settings.duration("artifacts.keepUnused").duration),
            shadows: Shadows(
                maximumBytes: Int(clamping: try settings.size("shadows.maxSize").bytes),
                historyDepth: try settings.integer("shadows.history")))
    }
}
