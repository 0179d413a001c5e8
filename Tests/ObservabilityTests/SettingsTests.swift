import Components
import Configuration
import FoundationEssentials
import Observability
import Testing

@Suite("Settings")
struct SettingsTests {
    static let keys =
        [
            SettingKey(
                name: "listen.port", .integer(0...65_535), default: "8443",
                summary: "Port of the mTLS listener."),
            SettingKey(name: "state", .path, summary: "State directory."),
            SettingKey(
                name: "retention.maxAge", .duration(.hours(1)...(.days(3_650))), default: "30d",
                summary: "Age."),
            SettingKey(
                name: "retention.maxSize", .size(.mebibytes(1)...ByteSize(bytes: 1 << 50)), default: "10GiB",
                summary: "Size."),
            SettingKey(name: "web.enabled", .boolean, default: "true", summary: "Web console."),
            SettingKey(name: "addresses", .list, summary: "Addresses."),
            SettingKey(name: "load", .number(0...1), default: "0.5", summary: "Load."),
            SettingKey(name: "api.token", .text, summary: "Token.", isSecret: true),
        ] + ProgramLogging.keys

    func load(_ arguments: [String] = [], _ environment: [String: String] = [:]) throws -> Settings {
        try Settings.load(keys: Self.keys, arguments: arguments, environment: environment)
    }

    func problems(_ arguments: [String] = [], _ environment: [String: String] = [:]) -> [String] {
        do {
            _ = try Settings.load(keys: Self.keys, arguments: arguments, environment: environment)
            return []
        } catch {
            return error.problems
        }
    }

    /// Runs with a configuration file of that content.
    func withFile<Result>(_ text: String, _ body: (String) throws -> Result) throws -> Result {
        let url = FileManager.default.temporaryDirectory.appending(
            path: "hedgerow-settings-\(UUID().uuidString).yaml")
        try Data(text.utf8).write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        return try body(url.path)
    }

    /// The problems with a configuration file, which is called FILE in them.
    func problems(file text: String) throws -> [String] {
        try withFile(text) { path in
            problems(["--config", path]).map { $0.replacing(path, with: "FILE") }
        }
    }

    @Test("spell a key as a flag and as a variable")
    func spelling() {
        #expect(Self.keys[2].flag == "--retention-max-age")
        #expect(Self.keys[2].environmentVariable == "HEDGEROW_RETENTION_MAX_AGE")
    }

    @Test("have their defaults where nobody sets them")
    func defaults() throws {
        let settings = try load()
        #expect(try settings.integer("listen.port") == 8_443)
        #expect(try settings.duration("retention.maxAge") == .days(30))
        #expect(try settings.size("retention.maxSize").bytes == 10 << 30)
        #expect(try settings.boolean("web.enabled"))
        #expect(try settings.number("load") == 0.5)
        #expect(try settings.optionalText("state") == nil)
        #expect(try settings.list("addresses") == [])
        #expect(try settings.entry("listen.port").origin == .defaultValue)
        #expect(try settings.entry("state").origin == .unset)
    }

    @Test("take flags over the environment over the file, and say where each value came from")
    func layers() throws {
        try withFile("listen: {port: 1}\nstate: /file\nretention.maxAge: 1d\naddresses: [a, b]\n") { path in
            let settings = try load(
                ["--listen-port", "3", "--config=\(path)"],
                ["HEDGEROW_LISTEN_PORT": "2", "HEDGEROW_STATE": "/env", "HEDGEROW_RETENTION_MAX_SIZE": ""])
            #expect(try settings.entry("listen.port").value == .integer(3))
            #expect(try settings.entry("listen.port").origin == .flag("--listen-port"))
            #expect(try settings.entry("state").value == .text("/env"))
            #expect(try settings.entry("state").origin == .environment("HEDGEROW_STATE"))
            #expect(try settings.entry("retention.maxAge").value == .duration(.days(1)))
            #expect(try settings.entry("retention.maxAge").origin == .file(path, line: 3))
            #expect(try settings.list("addresses") == ["a", "b"])
            #expect(try settings.entry("retention.maxSize").origin == .defaultValue)
            // The same through swift-configuration.
            #expect(settings.reader.int(forKey: "listen.port") == 3)
            #expect(settings.reader.string(forKey: "state") == "/env")
            #expect(settings.reader.string(forKey: "retention.maxAge", as: TimeSpan.self) == .days(1))
            #expect(settings.reader.string(forKey: "retention.maxSize", as: ByteSize.self)?.bytes == 10 << 30)
            #expect(settings.reader.scoped(to: "web").bool(forKey: "enabled") == true)
        }
    }

    @Test("read a JSON file, and one that the environment names")
    func jsonFile() throws {
        try withFile(#"{"web": {"enabled": false}, "load": 0.25, "listen.port": 12}"#) { path in
            let settings = try load([], ["HEDGEROW_CONFIG": path])
            #expect(try settings.boolean("web.enabled") == false)
            #expect(try settings.number("load") == 0.25)
            #expect(try settings.integer("listen.port") == 12)
        }
        let port = try withFile("# nothing\n") { try load(["--config", $0]).integer("listen.port") }
        #expect(port == 8_443)
    }

    @Test("read flags in every form")
    func flags() throws {
        #expect(try load(["--web-enabled=false"]).boolean("web.enabled") == false)
        #expect(try load(["--no-web-enabled"]).boolean("web.enabled") == false)
        #expect(try load(["--web-enabled", "--load", "1"]).boolean("web.enabled"))
        #expect(try load(["--web-enabled", "false"]).boolean("web.enabled") == false)
        #expect(try load(["--addresses", "a,b", "--addresses=c"]).list("addresses") == ["a", "b", "c"])
        #expect(
            problems(["--state="], ["HEDGEROW_STATE": "x"]) == ["state (flag --state) is empty; write a path"]
        )
    }

    @Test("refuse unknown flags with what was probably meant, all at once")
    func unknownFlags() {
        #expect(
            problems(["--listen-prot", "1", "--zzz", "--listen-port", "x", "stray", "--state"]) == [
                "the flag --listen-prot is not known; did you mean --listen-port?",
                "the flag --zzz is not known; \"config print\" shows every key",
                "listen.port (flag --listen-port) is \"x\"; write a whole number from 0 to 65535",
                "\"stray\" is no flag; flags are written --name value",
                "the flag --state lacks its value; write a path",
            ])
        #expect(problems(["--load", "1", "--load", "0"]) == ["the flag --load is given twice; remove one"])
        #expect(problems(["--no-load"]).count == 1)
        #expect(problems(["--no-web-enabled=1"]).count == 1)
    }

    @Test("refuse values that do not follow their kind, naming key, origin and what is allowed")
    func values() {
        #expect(
            problems([], ["HEDGEROW_LISTEN_PORT": "65536"]) == [
                "listen.port (environment HEDGEROW_LISTEN_PORT) is \"65536\"; write a whole number from 0 to 65535"
            ])
        #expect(problems(["--log-level", "loud"])[0].contains("write one of trace, debug, info"))
        #expect(problems(["--retention-max-age", "30"])[0].contains("such as 90s or 7d"))
        #expect(problems(["--retention-max-size", "1KiB"])[0].contains("a size from 1MiB to"))
        #expect(problems([], ["HEDGEROW_WEB_ENABLED": "maybe"])[0].contains("write true or false"))
        #expect(problems(["--load", "nan"]).count == 1)
    }

    @Test("refuse unknown keys of the file with line and what was probably meant")
    func unknownFileKeys() throws {
        #expect(
            try problems(file: "listen:\n  prot: 1\n  port: [1]\nweb: 5\nfoo: {bar: 1}\nstate: {a: b}\n") == [
                "the key listen.prot (FILE:2) is not known; did you mean listen.port?",
                "listen.port (FILE:3) is a list; write a whole number from 0 to 65535",
                "web (FILE:4) has to be a mapping (key: value)",
                "the key foo (FILE:5) is not known; \"config print\" shows every key",
                "state (FILE:6) is a mapping; write a path",
            ])
        #expect(try problems(file: "load: 1\nload: 0\n").count == 1)
        #expect(
            try problems(file: "listen: {port: 1}\nlisten.port: 2\n") == [
                "listen.port (FILE:2) is there twice; remove one"
            ])
        #expect(try problems(file: "state:\n") == ["state (FILE:1) is empty; write a path"])
        #expect(try problems(file: "a: [\n")[0].hasPrefix("the configuration file FILE is not YAML or JSON"))
        #expect(
            try problems(file: "- a\n") == ["the configuration file FILE has to be a mapping (key: value)"])
        #expect(
            problems(["--config", "/nowhere/x.yaml"]) == [
                "the configuration file /nowhere/x.yaml cannot be read (there is no such file); "
                    + "check the path and its mode"
            ])
    }

    @Test("give a warning for a variable that is nearly a key's, and for no other")
    func warnings() throws {
        let settings = try load([], ["HEDGEROW_LISTEN_PROT": "1", "HEDGEROW_HOME": "/x", "LISTEN_PORT": "2"])
        #expect(
            settings.warnings
                == ["HEDGEROW_LISTEN_PROT is set and means nothing; did you mean HEDGEROW_LISTEN_PORT?"])
    }

    @Test("say how to set a value that is needed and unset")
    func unset() throws {
        let settings = try load()
        let error = #expect(throws: SettingsError.self) { try settings.text("state") }
        #expect(error?.description == "state is not set; set it with --state, HEDGEROW_STATE or in the file")
        #expect(throws: SettingsError.self) { try settings.text("nothing.such") }
        #expect(throws: SettingsError.self) { try settings.text("listen.port") }
    }

    @Test("refuse a table that declares a key twice")
    func declaredTwice() {
        #expect(throws: SettingsError.self) {
            try Settings.load(
                keys: [
                    SettingKey(name: "a.b", .text, summary: ""), SettingKey(name: "a-b", .text, summary: ""),
                ], arguments: [], environment: [:])
        }
    }

    // MARK: Rendering

    @Test("are printed with value, default and origin, and never a secret")
    func table() throws {
        let settings = try load(["--listen-port", "1", "--api-token", "hunter2"])
        let table = settings.renderTable()
        let lines = table.split(separator: "\n").map {
            $0.split(separator: " ", omittingEmptySubsequences: true)
        }
        #expect(lines.count == Self.keys.count + 1)
        #expect(lines[1] == ["listen.port", "1", "8443", "flag", "--listen-port"])
        #expect(lines[2] == ["state", "-", "-", "unset"])
        #expect(lines[8] == ["api.token", "<redacted>", "-", "flag", "--api-token"])
        #expect(!table.contains("hunter2"))
        #expect(!settings.renderJSON().contains("hunter2"))
        #expect(!"\(settings.reader)".contains("hunter2"))
    }

    @Test("are printed as JSON with stable names")
    func json() throws {
        struct Row: Decodable {
            let key: String
            let value: String?
            let `default`: String?
            let source: String
            let from: String
            let secret: Bool
            let values: String
            let flag: String
            let environment: String
        }
        let settings = try load([], ["HEDGEROW_LOAD": "1"])
        let rows = try JSONDecoder().decode([Row].self, from: Data(settings.renderJSON().utf8))
        #expect(rows.map(\.key) == Self.keys.map(\.name))
        #expect(rows[6].value == "1.0")
        #expect(rows[6].default == "0.5")
        #expect(rows[6].source == "environment")
        #expect(rows[6].from == "environment HEDGEROW_LOAD")
        #expect(rows[1].value == nil)
        #expect(settings.renderJSON().contains("\"value\" : null"))
        #expect(rows[6].values.hasPrefix("a number from "))
        #expect(rows[7].secret)
    }

    @Test("do not show a secret in an error either")
    func secretInError() {
        let keys = [SettingKey(name: "pin", .integer(0...9), summary: "", isSecret: true)]
        let error = #expect(throws: SettingsError.self) {
            try Settings.load(keys: keys, arguments: ["--pin", "hunter2"], environment: [:])
        }
        #expect(error?.description == "pin (flag --pin) is not valid; write a whole number from 0 to 9")
    }

    @Test("list every flag in the help")
    func help() {
        let help = Settings.help(Self.keys)
        for key in Self.keys { #expect(help.contains(key.flag)) }
        #expect(help.contains("--config PATH"))
        #expect(help.contains("(default: 8443)"))
    }
}
