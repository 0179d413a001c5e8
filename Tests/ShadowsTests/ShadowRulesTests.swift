import Shadows
import Testing

/// The rules one by one; the published cases cover more.
@Suite struct ShadowRulesTests {
    private static let start: Int64 = 1_700_000_000_000_000
    private static let hour: Int64 = 3_600 * 1_000_000

    private func update(
        _ stored: StoredShadow?, _ text: String, now: Int64 = start, limits: ShadowLimits = .local,
        isSynced: Bool = false, incarnation: UInt8 = 1
    ) throws(ShadowError) -> ShadowChange {
        try ShadowRules.update(
            stored, ShadowUpdate(parsing: text.utf8, limits: limits), now: now, limits: limits,
            isSynced: isSynced,
            newIncarnation: .fixture(incarnation))
    }

    private func refusal(_ stored: StoredShadow?, _ text: String, limits: ShadowLimits = .local)
        -> ShadowError?
    {
        do throws(ShadowError) {
            _ = try update(stored, text, limits: limits)
            return nil
        } catch {
            return error
        }
    }

    @Test func anObjectOfWhichNothingIsLeftGoesAwayAndALiteralOneStays() throws {
        var stored = try update(nil, #"{"state":{"reported":{"a":{"b":{"c":1}},"d":1}}}"#).after
        stored = try update(stored, #"{"state":{"reported":{"a":{"b":{"c":null}},"e":{},"f":{"g":null}}}}"#)
            .after
        #expect(stored.document?.stateText == #"{"reported":{"d":1,"e":{}}}"#)
        stored = try update(stored, #"{"state":{"reported":{"d":null,"e":null}}}"#).after
        #expect(stored.document?.stateText == "{}")
        #expect(stored.version == 3)
    }

    @Test func metadataKeepsTheTimeOfWhatIsNotTouched() throws {
        var stored = try update(nil, #"{"state":{"desired":{"a":[1,{"b":2}],"c":{"d":1,"timestamp":3}}}}"#)
            .after
        stored = try update(stored, #"{"state":{"desired":{"c":{"d":2}}}}"#, now: Self.start + 5_000_000)
            .after
        let old = #"{"timestamp":1700000000}"#
        #expect(
            stored.document?.metadataText
                == #"{"desired":{"a":[\#(old),{"b":\#(old)}],"c":{"d":{"timestamp":1700000005},"timestamp":\#(old)}}}"#
        )
        let document = stored.document!
        let read = try ShadowDocument(
            state: document.stateText.utf8, metadata: document.metadataText.utf8, version: document.version,
            incarnation: document.incarnation, updateTime: document.updateTime)
        #expect(read == document)
    }

    @Test func metadataFromElsewhereIsFittedToTheState() throws {
        let document = try ShadowDocument(
            state: #"{"reported":{"a":1,"b":{"c":2}}}"#.utf8,
            metadata:
                #"{"reported":{"b":{"timestamp":9},"x":{"timestamp":7},"a":{"timestamp":8}},"desired":5}"#
                .utf8,
            version: 1, incarnation: .fixture(), updateTime: Self.start)
        #expect(
            document.metadataText
                == #"{"reported":{"a":{"timestamp":8},"b":{"c":{"timestamp":1700000000}}}}"#)
        #expect(throws: ShadowError.self) {
            try ShadowDocument(
                state: #"{"reported":5}"#.utf8, metadata: "".utf8, version: 1, incarnation: .fixture(),
                updateTime: 0)
        }
    }

    @Test func versionsGoOnAfterADeletionForTwoDays() throws {
        let first = try update(nil, #"{"state":{"desired":{"a":1}}}"#).after
        let deleted = try ShadowRules.delete(first, version: 1, clientToken: "t", now: Self.start)
        #expect(deleted.after.version == 2)
        #expect(deleted.acceptedText == #"{"clientToken":"t","timestamp":1700000000,"version":1}"#)
        #expect(deleted.documentsText == nil)
        #expect(deleted.deltaText == nil)
        let text = #"{"state":{"desired":{"a":1}},"version":1}"#
        let soon = try update(deleted.after, text, now: Self.start + 48 * Self.hour - 1, incarnation: 2).after
        #expect(soon.version == 3)
        #expect(soon.incarnation == .fixture(2))
        let late = try update(deleted.after, text, now: Self.start + 48 * Self.hour, incarnation: 2).after
        #expect(late.version == 1)
        let synced = try update(deleted.after, text, now: Self.start + 99 * Self.hour, isSynced: true).after
        #expect(synced.version == 3)
        #expect(try update(deleted.after, text, now: Self.start - 99 * Self.hour).after.version == 3)
    }

    @Test func versionsAreChecked() throws {
        let stored = try update(nil, #"{"state":{"desired":{"a":1}},"version":1}"#).after
        #expect(refusal(nil, #"{"state":{},"version":2}"#)?.code == .badRequest)
        #expect(refusal(nil, #"{"state":{},"version":0}"#)?.code == .badRequest)
        #expect(refusal(stored, #"{"state":{},"version":2,"clientToken":"t"}"#)?.code == .conflict)
        #expect(refusal(stored, #"{"state":{},"version":2,"clientToken":"t"}"#)?.clientToken == "t")
        #expect(refusal(stored, #"{"state":{},"version":1.0}"#) == nil)
        #expect(refusal(stored, #"{"state":{},"version":1.5,"clientToken":"t"}"#)?.clientToken == "t")
        #expect(throws: ShadowError.self) { try ShadowRules.delete(stored, version: 7, now: 0) }
        let missing = #expect(throws: ShadowError.self) {
            try ShadowRules.delete(nil, now: 0, key: ShadowKey(thing: "press-1", name: "env"))
        }
        #expect(missing?.message == "No shadow exists with name: 'press-1~env'")
    }

    @Test func arraysWithNullAreRefused() {
        #expect(refusal(nil, #"{"state":{"desired":{"a":[1,null]}}}"#)?.code == .badRequest)
        #expect(refusal(nil, #"{"state":{"desired":{"a":[[null]]}}}"#)?.code == .badRequest)
        #expect(refusal(nil, #"{"state":{"desired":{"a":[{"b":[null]}]}}}"#)?.code == .badRequest)
        #expect(throws: ShadowError.self) { try ShadowUpdate(reporting: ["a": .array([.null])]) }
        #expect(throws: ShadowError.self) { try ShadowUpdate(reporting: ["a": .number(.nan)]) }
    }

    @Test func badDocumentsAreToldApart() {
        let cases: [(String, ShadowError.Code, String)] = [
            ("[]", .badRequest, "Invalid JSON"), ("{", .badRequest, "Invalid JSON"),
            ("", .badRequest, "Missing required node: state"),
            ("{}", .badRequest, "Missing required node: state"),
            (#"{"state":{"desired":[]}}"#, .badRequest, "Desired node must be an object"),
            (#"{"state":{"x":{}}}"#, .badRequest, "State contains an invalid node: 'x'"),
            (#"{"state":{},"version":-1}"#, .badRequest, "Invalid version"),
            (#"{"state":{},"clientToken":5}"#, .badRequest, "Invalid clientToken"),
        ]
        for (text, code, message) in cases {
            let error = refusal(nil, text)
            #expect(error?.code == code)
            #expect(error?.message.hasPrefix(message) == true, "\(error?.message ?? "accepted")")
        }
        #expect(
            throws: ShadowError(.unsupported, "Unsupported documented encoding; supported encoding is UTF-8")
        ) {
            try ShadowUpdate(parsing: [0x7B, 0x22, 0xFF, 0x22], limits: .local)
        }
    }

    @Test func theLimitCountsBothSectionsAndLetsWhatIsTooLargeShrink() throws {
        let limits = ShadowLimits(documentBytes: 30)
        // {"a":"1234567"} has 15 bytes.
        let both = #"{"state":{"desired":{"a":"1234567"},"reported":{"a":"1234567"}}}"#
        let stored = try update(nil, both, limits: limits).after
        #expect(stored.document?.stateBytes == 30)
        let more = #"{"state":{"reported":{"a":"12345678"}},"clientToken":"t"}"#
        #expect(refusal(stored, more, limits: limits)?.code == .tooLarge)
        #expect(refusal(stored, more, limits: limits)?.clientToken == "t")
        let smaller = ShadowLimits(documentBytes: 20)
        #expect(refusal(stored, #"{"state":{"reported":{"a":"123456"}}}"#, limits: smaller) == nil)
        #expect(
            refusal(stored, #"{"state":{"reported":{"a":"12345678"}}}"#, limits: smaller)?.code == .tooLarge)
        let huge = String(repeating: " ", count: ShadowLimits.requestBytes) + #"{"state":{}}"#
        #expect(refusal(nil, huge)?.code == .tooLarge)
    }

    @Test func depthIsSettable() {
        let deep = { (keys: Int) in
            let inner = (0..<keys).reversed().reduce("1") { #"{"\#($1)":\#($0)}"# }
            return #"{"state":{"desired":\#(inner)}}"#
        }
        for depth in [6, 8] {
            let limits = ShadowLimits(documentBytes: 8_192, depth: depth)
            #expect(refusal(nil, deep(depth), limits: limits) == nil)
            let message = "JSON contains too many levels of nesting; maximum is \(depth)"
            #expect(refusal(nil, deep(depth + 1), limits: limits)?.message == message)
            #expect(refusal(nil, deep(depth + 40), limits: limits)?.message == message)
        }
        #expect(throws: ShadowError.self) {
            try ShadowUpdate(
                reporting: ["a": .array([.array([.integer(1)])])],
                limits: ShadowLimits(documentBytes: 100, depth: 2))
        }
    }

    @Test func documentsOfATopicAreWhole() throws {
        let first = try update(nil, #"{"state":{"reported":{"a":1}}}"#)
        #expect(first.deltaText == nil)
        #expect(first.documentsText?.contains(#""previous":null"#) == true)
        let second = try update(
            first.after, #"{"state":{"desired":{"a":2,"b":null}},"clientToken":"t"}"#,
            now: Self.start + 1_000_000)
        #expect(
            second.acceptedText
                == #"{"clientToken":"t","metadata":{"desired":{"a":{"timestamp":1700000001}}},"#
                + #""state":{"desired":{"a":2,"b":null}},"timestamp":1700000001,"version":2}"#)
        #expect(
            second.deltaText
                == #"{"clientToken":"t","metadata":{"a":{"timestamp":1700000001}},"state":{"a":2},"#
                + #""timestamp":1700000001,"version":2}"#)
        #expect(second.after.document?.hasDelta == true)
        let error = ShadowError(.conflict, "Version conflict", clientToken: "t")
        #expect(
            error.rejectedText(now: Self.start)
                == #"{"clientToken":"t","code":409,"message":"Version conflict","timestamp":1700000000}"#)
    }

    @Test func topicsAreReadAndWritten() throws {
        let key = try ShadowKey(thing: "press-1", name: "env")
        let topic = try #require(ShadowTopic(key, .update))
        #expect(topic.description == "$aws/things/press-1/shadow/name/env/update")
        #expect(topic.with(.delta)?.description == "$aws/things/press-1/shadow/name/env/update/delta")
        #expect(ShadowTopic(key, .get, .delta) == nil)
        for text in [
            "$aws/things/a/shadow/get/delta", "$aws/things/a/shadow/name//get", "$aws/things//shadow/get",
            "$aws/things/a/shadow/update/", "$aws/things/a/shadow/name/n/get/accepted/x",
            "$aws/things/a b/shadow/get",
        ] {
            #expect(ShadowTopic(text) == nil, "\(text)")
        }
        // A shadow may be called as an operation is.
        #expect(ShadowTopic("$aws/things/shadow/shadow/name/update/update")?.name == "update")
    }

    @Test func incarnationsAreSixteenBytes() {
        let bytes = (0..<16).map { UInt8($0 * 16) }
        #expect(ShadowIncarnation(bytes)?.bytes == bytes)
        #expect(ShadowIncarnation(bytes)?.description == "00102030405060708090a0b0c0d0e0f0")
        #expect(ShadowIncarnation(bytes.dropLast()) == nil)
        #expect(ShadowIncarnation.random() != .random())
    }
}
