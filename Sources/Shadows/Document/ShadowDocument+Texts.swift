extension ShadowDocument {
    /// Reads a document from the texts that ``stateBytes`` counts and ``stateText`` and ``metadataText`` give. They
    /// may come from elsewhere: sections that are no objects are refused, and metadata is fitted to the state.
    ///
    /// - Parameters:
    ///   - state: `{"desired": {…}, "reported": {…}}`; both may be absent.
    ///   - metadata: The same tree with `{"timestamp": SECONDS}` at its leaves; may be empty.
    ///   - version: Its version on this side.
    ///   - incarnation: Names its creation.
    ///   - updateTime: When it was changed last, in microseconds since 1970.
    /// - Throws: ``ShadowError`` with 400 or 415.
    public init(
        state: some Sequence<UInt8>, metadata: some Sequence<UInt8>, version: UInt64,
        incarnation: ShadowIncarnation, updateTime: Int64
    ) throws(ShadowError) {
        let state = try ShadowRequest.object(parsing: state, limits: .standard) ?? [:]
        for (key, section) in state {
            guard key == "desired" || key == "reported", case .object = section else {
                throw ShadowError(.badRequest, "State contains an invalid node: '\(key.prefix(64))'")
            }
        }
        self.init(
            desired: state["desired"]?.members, reported: state["reported"]?.members,
            metadata: try Self.times(metadata),
            version: version, incarnation: incarnation, updateTime: updateTime)
    }

    private static func times(_ bytes: some Sequence<UInt8>) throws(ShadowError) -> ShadowMetadata {
        do throws(JSONError) {
            let tree = try JSONParser.read(bytes, limits: .standard) { parser throws(JSONError) in
                parser.peek() == nil ? nil : try parser.times()
            }
            guard case .object(let sections)? = tree else { return ShadowMetadata() }
            return ShadowMetadata(
                desired: sections["desired"]?.members ?? [:], reported: sections["reported"]?.members ?? [:])
        } catch {
            throw ShadowRequest.refusal(of: error, depth: JSONLimits.standard.depth)
        }
    }

    /// `{"desired": {…}, "reported": {…}}`; what is empty is left out.
    public var stateText: String { state.text }

    /// The state's tree with `{"timestamp": SECONDS}` at its leaves.
    public var metadataText: String {
        var writer = JSONWriter()
        writer.write(metadata)
        return writer.text
    }

    /// What `get` answers: `{"metadata", "state": {"delta", "desired", "reported"}, "timestamp", "version"}`.
    ///
    /// - Parameters:
    ///   - clientToken: The request's token; nil, the default, for none.
    ///   - now: The time of the answer in microseconds since 1970; by default that of the last change.
    public func getResponse(clientToken: String? = nil, now: Int64? = nil) -> String {
        var writer = JSONWriter(capacity: 1_024)
        writer.begin(clientToken)
        writer.name("metadata")
        writer.write(metadata)
        writer.raw(",\"state\":")
        var state: [String: JSONValue] = [:]
        if let desired { state["desired"] = .object(desired) }
        if let reported { state["reported"] = .object(reported) }
        let delta = deltaState
        if !delta.isEmpty { state["delta"] = .object(delta) }
        writer.write(.object(state))
        writer.end(time: now ?? updateTime, version: version)
        return writer.text
    }
}

extension JSONValue {
    /// The members, where this is an object.
    var members: [String: JSONValue]? {
        guard case .object(let members) = self else { return nil }
        return members
    }
}

extension JSONWriter {
    mutating func write(_ metadata: ShadowMetadata) {
        byte(UInt8(ascii: "{"))
        if !metadata.desired.isEmpty {
            name("desired")
            write(metadata.desired)
        }
        if !metadata.reported.isEmpty {
            if !metadata.desired.isEmpty { byte(UInt8(ascii: ",")) }
            name("reported")
            write(metadata.reported)
        }
        byte(UInt8(ascii: "}"))
    }

    /// Begins an answer, with its token where it has one.
    mutating func begin(_ clientToken: String?) {
        byte(UInt8(ascii: "{"))
        guard let clientToken else { return }
        name("clientToken")
        write(clientToken)
        byte(UInt8(ascii: ","))
    }

    /// Ends an answer with time and version.
    mutating func end(time: Int64, version: UInt64) {
        raw(",\"timestamp\":")
        write(ShadowTime.seconds(time))
        raw(",\"version\":")
        write(version)
        byte(UInt8(ascii: "}"))
    }
}
