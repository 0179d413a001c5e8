import Components
import PKI

/// Everything that can be set about a cloud. Every setting has a default that works for a first try.
public struct CloudConfiguration: Hashable, Sendable {
    /// Where a listener listens.
    public struct Listener: Hashable, Sendable {
        /// IPv4 or IPv6 address of an interface, `0.0.0.0` or `::` for all, or `localhost`.
        public var host: String
        /// TCP port; 0 takes a free one, which `ports.json` in the state directory then says.
        public var port: Int

        /// Makes a listener.
        public init(host: String, port: Int) {
            self.host = host
            self.port = port
        }

        /// The host as an IP literal.
        var address: String { host == "localhost" ? "127.0.0.1" : host }
    }

    /// What is kept of the history.
    public struct Retention: Hashable, Sendable {
        /// Messages older than this are deleted; 90 days by default.
        public var maximumAge: Duration
        /// The oldest messages are deleted above so many bytes; 10 GiB by default.
        public var maximumBytes: Int64

        /// Makes a retention.
        public init(maximumAge: Duration = .seconds(90 * 86_400), maximumBytes: Int64 = 10 << 30) {
            self.maximumAge = maximumAge
            self.maximumBytes = maximumBytes
        }
    }

    /// What is kept of the files of components.
    public struct Artifacts: Hashable, Sendable {
        /// Most bytes of one artifact; 1 GiB by default, 4 GiB at most.
        public var maximumSize: UInt64
        /// Most bytes of all artifacts, unfinished uploads included; 20 GiB by default.
        public var maximumTotalSize: UInt64
        /// How long an artifact that no component names stays after its last use, and an upload that nobody goes on
        /// with; 24 hours by default.
        public var keepUnused: Duration

        /// Makes limits.
        public init(
            maximumSize: UInt64 = 1 << 30, maximumTotalSize: UInt64 = 20 << 30,
            keepUnused: Duration = .seconds(86_400)
        ) {
            self.maximumSize = maximumSize
            self.maximumTotalSize = maximumTotalSize
            self.keepUnused = keepUnused
        }
    }

    /// What is kept of shadows.
    public struct Shadows: Hashable, Sendable {
        /// Most bytes of desired and reported of one; 8,192 by default.
        public var maximumBytes: Int
        /// Versions of each that are kept; 20 by default.
        public var historyDepth: Int

        /// Makes limits.
        public init(maximumBytes: Int = 8_192, historyDepth: Int = 20) {
            self.maximumBytes = maximumBytes
            self.historyDepth = historyDepth
        }
    }

    /// Directory of everything that the cloud keeps; made where it does not exist. One process at a time.
    public var stateDirectory: String
    /// The listener for everybody who has a certificate; all interfaces, port 8443 by default.
    public var listener: Listener
    /// The listener for enrolment, which asks for no client certificate; port 8444 by default.
    public var enrollmentListener: Listener
    /// Addresses under which others reach ``listener``, the best first: `HOST` or `HOST:PORT`. They go into
    /// token files and into the server certificate. Empty: the listener's address, or where that is a wildcard
    /// the host's name and its interfaces' addresses.
    public var advertisedAddresses: [String]
    /// The same for ``enrollmentListener``. Empty: the hosts of ``advertisedAddresses``.
    public var advertisedEnrollmentAddresses: [String]
    /// Trust domain in SPIFFE IDs: lower-case letters, digits, dots, hyphens, underscores. Fixed at the first
    /// start.
    public var trustDomain: String
    /// How often a group's CA is replaced where its definition does not say; 7 days by default.
    public var authorityRotation: Duration
    /// How long a core may take for a deployment after it was told; 5 minutes by default.
    public var deploymentDeadline: Duration
    /// Most calls that one identity may have open at once; 1,000 by default.
    public var maximumCallsPerIdentity: Int
    /// What is kept of the history.
    public var retention: Retention
    /// What is kept of the files of components.
    public var artifacts: Artifacts
    /// What is kept of shadows.
    public var shadows: Shadows
    /// Whether another recipe may take the place of a registered version: for development, on loopback only. False by
    /// default.
    public var replacesVersions = false

    /// Makes a configuration; what is not given has its default.
    public init(
        stateDirectory: String,
        listener: Listener = Listener(host: "0.0.0.0", port: 8443),
        enrollmentListener: Listener = Listener(host: "0.0.0.0", port: 8444),
        advertisedAddresses: [String] = [],
        advertisedEnrollmentAddresses: [String] = [],
        trustDomain: String = "hedgerow",
        authorityRotation: Duration = .seconds(7 * 86_400),
        deploymentDeadline: Duration = .seconds(300),
        maximumCallsPerIdentity: Int = 1_000,
        retention: Retention = Retention(), artifacts: Artifacts = Artifacts(),
        shadows: Shadows = Shadows()
    ) {
        self.stateDirectory = stateDirectory
        self.listener = listener
        self.enrollmentListener = enrollmentListener
        self.advertisedAddresses = advertisedAddresses
        self.advertisedEnrollmentAddresses = advertisedEnrollmentAddresses
        self.trustDomain = trustDomain
        self.authorityRotation = authorityRotation
        self.deploymentDeadline = deploymentDeadline
        self.maximumCallsPerIdentity = maximumCallsPerIdentity
        self.retention = retention
        self.artifacts = artifacts
        self.shadows = shadows
    }

    /// The same, for development or not.
    public func replacingVersions(_ replacesVersions: Bool) -> CloudConfiguration {
        var copy = self
        copy.replacesVersions = replacesVersions
        return copy
    }

    /// Checks what can be checked without starting.
    ///
    /// - Throws: ``CloudStartError/badSetting(name:reason:)`` for the first setting that cannot be used.
    public func validate() throws(CloudStartError) {
        func check(_ holds: Bool, _ name: String, _ reason: String) throws(CloudStartError) {
            if !holds { throw CloudStartError.badSetting(name: name, reason: reason) }
        }
        try check(!stateDirectory.isEmpty, "state", "it is empty")
        for (listener, name) in [(listener, "listen"), (enrollmentListener, "enrollment")] {
            try check(
                IPLiteral(listener.address) != nil, "\(name).host",
                "\"\(listener.host)\" is no IP address of this machine, nor localhost")
            try check(
                (0...65_535).contains(listener.port), "\(name).port",
                "\(listener.port) is not from 0 to 65535")
        }
        for listener in [listener, enrollmentListener] where replacesVersions {
            try check(
                listener.address.hasPrefix("127.") || listener.address == "::1", "development",
                "\"\(listener.host)\" is no loopback address, and elsewhere a version never changes")
        }
        try check(
            Self.isTrustDomain(trustDomain), "trustDomain",
            "\"\(trustDomain)\" is not 1 to 255 of the characters a-z 0-9 . _ -")
        try check(
            authorityRotation >= .seconds(1) && authorityRotation <= .seconds(300 * 86_400),
            "authority.rotation", "it is not from 1 second to 300 days")
        try check(
            deploymentDeadline >= .seconds(1) && deploymentDeadline <= .seconds(86_400),
            "deployment.deadline", "it is not from 1 second to 1 day")
        try check(maximumCallsPerIdentity >= 1, "limits.callsPerIdentity", "it is less than 1")
        try check(retention.maximumAge >= .seconds(60), "retention.maxAge", "it is less than a minute")
        try check(retention.maximumBytes >= 1 << 20, "retention.maxSize", "it is less than 1 MiB")
        try check(
            (1...UInt64(ArtifactReference.maximumSize)).contains(artifacts.maximumSize), "artifacts.maxSize",
            "it is not from 1 byte to 4 GiB")
        try check(artifacts.maximumTotalSize >= 1, "artifacts.maxTotalSize", "it is less than a byte")
        try check(artifacts.keepUnused >= .seconds(60), "artifacts.keepUnused", "it is less than a minute")
        try check(
            (1_024...65_536).contains(shadows.maximumBytes), "shadows.maxSize",
            "it is not from 1 KiB to 64 KiB")
        try check(
            (1...1_000).contains(shadows.historyDepth), "shadows.history", "it is not from 1 to 1,000")
    }

    /// https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md, section 2.1.
    private static func isTrustDomain(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 255
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}
