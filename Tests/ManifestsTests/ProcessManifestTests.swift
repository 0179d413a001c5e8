import Components
import Manifests
import Testing
import Transforms

/// `process` and `access` of recipes that are programs.
@Suite("Component files of programs")
struct ProcessManifestTests {
    /// The recipe of a program; `process` is on line 4.
    func parse(_ process: String, _ more: String = "") throws(ManifestErrors) -> ComponentManifest {
        try ComponentManifest.parse(
            "kind: Component\nname: c\nversion: 1.0.0\nprocess: \(process)\n\(more)\n", fileName: "c.yaml")
    }

    func process(_ text: String) throws -> ProcessDefinition { try #require(try parse(text).process) }

    func errors(_ process: String, _ more: String = "") -> [String] {
        do throws(ManifestErrors) {
            _ = try parse(process, more)
            return []
        } catch {
            return error.errors.map { "\($0.line):\($0.column): \($0.message)" }
        }
    }

    static let whole = """
        kind: Component
        name: compensate
        version: 1.0.0
        process:
          run: [python3, compensate.py, --samples, 8, --ratio, 1.50, '']
          install: {command: [sh, install.sh], timeout: 3m}
          shutdown: sync
          recover: {command: [rm, -f, lock]}
          health: {command: [sh, check.sh], interval: 20s, timeout: 2s, failures: 5}
          mode: onDemand
          handlerTimeout: 10s
          idleTimeout: 0s
          settle: 1m
          onConfigurationChange: notify
          sandbox: required
          limits: {memory: 128MiB, cpu: 0.5, processes: 64, files: 256}
          logs: {maxSize: 1MiB}
          environment: {LEVEL: info, PORT: 8080, EMPTY: ""}
          secrets: [weather-key, other]
        access:
          host: [cpu_temperature]
          read: [/srv/data]
          write: [/var/lib/press]
          devices: [/dev/i2c-1]
          network: true
        configuration: {samples: 8}
        """

    @Test("are read with everything that they may say")
    func everything() throws {
        let manifest = try ComponentManifest.parse(Self.whole, fileName: "c.yaml")
        let expected = ProcessDefinition(
            start: .run(.arguments(["python3", "compensate.py", "--samples", "8", "--ratio", "1.50", ""])),
            install: HookCommand(command: .arguments(["sh", "install.sh"]), timeout: .seconds(180)),
            shutdown: HookCommand(command: .shell("sync"), timeout: .seconds(15)),
            recover: HookCommand(command: .arguments(["rm", "-f", "lock"]), timeout: .seconds(60)),
            health: HealthCheck(
                .command(.arguments(["sh", "check.sh"]), timeout: .seconds(2)), interval: .seconds(20),
                failures: 5),
            mode: .onDemand, handlerTimeout: .seconds(10), idleTimeout: .seconds(0), settle: .seconds(60),
            onConfigurationChange: .notify, sandbox: .required,
            limits: ProcessLimits(memory: .mebibytes(128), cpu: 0.5, processes: 64, files: 256),
            maximumLogSize: .mebibytes(1), environment: ["LEVEL": "info", "PORT": "8080", "EMPTY": ""],
            secrets: ["weather-key", "other"])
        #expect(manifest.process == expected)
        #expect(manifest.recipe.work == .process(expected))
        #expect(manifest.transform == nil && manifest.recipe.transform == nil)
        #expect(
            manifest.recipe.access
                == ComponentAccess(
                    host: .cpuTemperature, read: ["/srv/data"], write: ["/var/lib/press"],
                    devices: ["/dev/i2c-1"], network: true))
        #expect(manifest.recipe.configuration == ["samples": .int(8)])
        #expect(manifest.work.outputs == [.unknown])
        #expect(manifest.work.neededEnvironment == [])
        #expect(manifest.warnings == [])
    }

    @Test("have the documented defaults")
    func defaults() throws {
        let manifest = try parse("{run: python3 main.py}")
        let process = try #require(manifest.process)
        #expect(process == ProcessDefinition(start: .run(.shell("python3 main.py"))))
        #expect(process.start == .run(.shell("python3 main.py")))
        #expect(process.mode == .longLived && process.sandbox == .preferred)
        #expect(process.handlerTimeout == .seconds(3) && process.idleTimeout == .seconds(60))
        #expect(process.settle == .seconds(10) && process.maximumLogSize == .mebibytes(10))
        #expect(process.limits == ProcessLimits() && process.health == nil)
        #expect(manifest.recipe.access.isEmpty)
    }

    @Test("may begin and end something with two commands")
    func hooks() throws {
        let process = try process("{startup: [docker, start, press], shutdown: {command: docker stop press}}")
        #expect(
            process.start
                == .hooks(
                    HookCommand(command: .arguments(["docker", "start", "press"]), timeout: .seconds(120))))
        #expect(
            process.shutdown == HookCommand(command: .shell("docker stop press"), timeout: .seconds(15)))
    }

    @Test("may be asked for their health, or tell it")
    func health() throws {
        #expect(
            try process("{run: x, health: [sh, check.sh]}").health
                == HealthCheck(.command(.arguments(["sh", "check.sh"]), timeout: .seconds(5))))
        // A timeout that nobody wrote fits an interval that is shorter.
        #expect(
            try process("{run: x, health: {command: y, interval: 2s}}").health
                == HealthCheck(.command(.shell("y"), timeout: .seconds(2)), interval: .seconds(2)))
        #expect(try process("{run: x, health: {report: true}}").health == HealthCheck(.report))
        #expect(
            errors("{run: x, health: {report: true, timeout: 5s}}")
                == ["4:42: \"timeout\" goes with \"command\" only; remove it"])
        #expect(
            errors("{run: x, health: {report: false}}")
                == ["4:36: write report: true, or remove \"health\""])
        let both =
            "\"health\" has either \"command\" or \"report: true\"; write who says that it is well"
        #expect(errors("{run: x, health: {interval: 5s}}") == ["4:27: \(both)"])
        #expect(errors("{run: x, health: {command: y, report: true}}") == ["4:27: \(both)"])
        #expect(
            errors("{run: x, health: {command: y, interval: 2s, timeout: 3s}}")
                == ["4:63: the timeout 3s is longer than the interval 2s; shorten it"])
    }

    @Test("are told from transforms")
    func kinds() {
        let head = "kind: Component\nname: c\nversion: 1.0.0\n"
        func errors(_ text: String) -> [String] {
            do throws(ManifestErrors) {
                _ = try ComponentManifest.parse(head + text, fileName: "c.yaml")
                return []
            } catch {
                return error.errors.map { "\($0.line):\($0.column): \($0.message)" }
            }
        }
        #expect(
            errors("") == [
                "1:1: a component lacks \"transform\" or \"process\"; add its steps, or the program that it runs"
            ])
        #expect(
            errors("transform: [{publish: x}]\nprocess: {run: x}\n")
                == ["5:1: a component has either \"transform\" or \"process\"; remove one"])
        #expect(
            errors("process: {run: x}\ninput: {a: double}\n")
                == ["5:1: \"input\" goes with \"transform\" only; remove it"])
        #expect(
            errors("transform: [{publish: x}]\naccess: {read: [/a], network: true}\n") == [
                "5:10: \"read\" is for programs (\"process\"), not for transforms; remove it",
                "5:22: \"network\" is for programs (\"process\"), not for transforms; remove it",
            ])
    }

    @Test(
        "are refused with the place of what is wrong",
        arguments: [
            ("x", "4:10: \"process\" has to be a mapping (key: value), but is the text \"x\""),
            (
                "{}",
                "4:10: \"process\" lacks \"run\"; add the program, or \"startup\" and \"shutdown\" for something "
                    + "that runs without one"
            ),
            ("{run: x, memroy: 1}", "4:19: \"process\" has no key \"memroy\"; known are "),
            ("{run: x, sandbx: none}", "4:19: \"process\" has no key \"sandbx\"; did you mean \"sandbox\"?"),
            (
                "{run: x, startup: y, shutdown: z}",
                "4:19: a program has either \"run\" or \"startup\"; remove one"
            ),
            (
                "{startup: y}",
                "4:11: what \"startup\" begins needs a command that ends it; add \"shutdown\""
            ),
            (
                "{run: {command: x}}",
                "4:16: \"run\" has to be a list such as [python3, main.py], or a text for sh, but is a mapping"
            ),
            (
                "{run: 5}",
                "4:16: \"run\" has to be a list such as [python3, main.py], or a text for sh, but is "
            ),
            ("{run: []}", "4:16: the command names no program; write a list such as [python3, main.py]"),
            ("{run: ['', a]}", "4:16: the command names no program; "),
            ("{run: ' '}", "4:16: the command is empty; "),
            ("{run: \"a\\0\"}", "4:16: the command contains U+0000; remove it"),
            ("{run: [a, ~]}", "4:20: an argument of \"run\" is empty; write \"\" for an empty text"),
            ("{run: [a, [b]]}", "4:20: an argument of \"run\" has to be a text, but is a list"),
            ("{run: x, install: {timeout: 5s}}", "4:28: \"install\" lacks \"command\"; add it"),
            (
                "{run: x, install: {command: y, timeout: 5}}",
                "4:50: \"5\" is not a span of time; write whole numbers with units, such as 90s, 15m, 12h or 7d"
            ),
            (
                "{run: x, install: {command: y, timeout: 2h}}",
                "4:50: \"timeout\" is 2h, out of range; write 100ms to 1h"
            ),
            ("{run: x, mode: lambda}", "4:25: \"lambda\" is no mode; write longLived or onDemand"),
            ("{run: x, mode: lambda, idleTimeout: 5s}", "4:25: \"lambda\" is no mode; "),
            (
                "{startup: x, shutdown: y, mode: onDemand}",
                "4:42: a program that runs on demand has \"run\", not \"startup\"; remove \"mode\", or write \"run\""
            ),
            (
                "{run: x, idleTimeout: 5s}",
                "4:19: \"idleTimeout\" goes with mode: onDemand only; remove it, or add the mode"
            ),
            (
                "{run: x, mode: onDemand, idleTimeout: 2d}",
                "4:48: 2d is out of range; write 1s to 1d, or 0s for never"
            ),
            (
                "{run: x, handlerTimeout: 1ms}",
                "4:35: \"handlerTimeout\" is 1ms, out of range; write 10ms to 10m"
            ),
            ("{run: x, settle: 2h}", "4:27: \"settle\" is 2h, out of range; write 0s to 1h"),
            (
                "{run: x, sandbox: maybe}",
                "4:28: \"maybe\" is no sandbox; write required or preferred or none"
            ),
            (
                "{run: x, limits: {memory: 1000KiB}}",
                "4:36: \"memory\" is 1000KiB, out of range; write 1MiB to 1TiB"
            ),
            (
                "{run: x, limits: {cpu: 0}}",
                "4:33: 0.0 is out of range; write processors, 0.01 to 1024: 0.5 is half of one"
            ),
            (
                "{run: x, limits: {processes: 0}}",
                "4:39: \"processes\" is 0, out of range; write 1 to 32768"
            ),
            ("{run: x, limits: {files: 3}}", "4:35: \"files\" is 3, out of range; write 16 to 1048576"),
            ("{run: x, limits: {file: 3}}", "4:28: \"limits\" has no key \"file\"; did you mean \"files\"?"),
            (
                "{run: x, logs: {maxSize: 1KiB}}",
                "4:35: \"maxSize\" is 1KiB, out of range; write 64KiB to 1GiB"
            ),
            (
                "{run: x, health: {report: yess}}",
                "4:36: \"report\" has to be true or false, but is the text \"yess\""
            ),
            (
                "{run: x, health: {command: y, failures: 0}}",
                "4:50: \"failures\" is 0, out of range; write 1 to 100"
            ),
            ("{run: x, environment: {a-b: c}}", "4:33: \"a-b\" is no name of a variable; "),
            (
                "{run: x, environment: {HEDGEROW_A: c}}",
                "4:33: names that begin with HEDGEROW_ are reserved; "
            ),
            ("{run: x, environment: {A: ~}}", "4:36: the variable \"A\" has no value; "),
            ("{run: x, secrets: [a b]}", "4:29: the secret's name \"a b\" "),
            ("{run: x, secrets: [..]}", "4:29: \"..\" is no name of a file; "),
            ("{run: x, secrets: [a, a]}", "4:32: the secret \"a\" is listed twice; remove one"),
        ])
    func mistakes(process: String, error: String) {
        let found = errors(process)
        #expect(found.count == 1, "\(found)")
        #expect(found.first?.hasPrefix(error) == true, "\(found)")
    }

    @Test("are refused with everything that is wrong at once")
    func manyErrors() {
        #expect(
            errors(
                "{install: [], health: {}, mode: x, limits: {cpu: y}, secrets: [..]}",
                "access: {read: [a], netwrk: true}"
            ).map { $0.prefix { $0 != " " } }
                == ["4:10:", "4:20:", "4:32:", "4:42:", "4:59:", "4:73:", "5:17:", "5:21:"])
    }

    @Test(
        "may name only paths that say one place",
        arguments: [
            ("read: [data]", "5:17: \"data\" is not an absolute path; write one that begins with /"),
            ("read: ['']", "5:17: the path is empty; write an absolute one"),
            ("read: [/a/../b]", "5:17: \"/a/../b\" has . or .. or an empty part; "),
            ("read: [/a/./b]", "5:17: \"/a/./b\" has . or .. or an empty part; "),
            ("read: [/a//b]", "5:17: \"/a//b\" has . or .. or an empty part; "),
            ("read: [/a/]", "5:17: \"/a/\" has . or .. or an empty part; "),
            ("read: [/]", "5:17: / is everything there is; name the folders that the component needs"),
            ("write: [/dev/sda]", "5:18: /dev/sda is a device; write it under \"devices\""),
            ("read: [/dev]", "5:17: /dev is a device; "),
            ("read: [\"/a\\n\"]", "5:17: the path contains a control character; remove it"),
            ("devices: [/sys/a]", "5:20: /sys/a is no device; write a path below /dev"),
            ("devices: [/dev]", "5:20: /dev is no device; write a path below /dev"),
            ("devices: [/dev/../etc]", "5:20: \"/dev/../etc\" has . or .. or an empty part; "),
            ("read: [/a, /a]", "5:21: \"/a\" is listed twice in \"access\"; remove one"),
            ("write: [/a], read: [/a]", "5:30: \"/a\" is listed twice in \"access\"; remove one"),
            ("network: yes please", "5:19: \"network\" has to be true or false, but is "),
            ("read: /a", "5:16: \"read\" has to be a list, but is the text \"/a\""),
        ])
    func paths(access: String, error: String) {
        let found = errors("{run: x}", "access: {\(access)}")
        #expect(found.count == 1, "\(found)")
        #expect(found.first?.hasPrefix(error) == true, "\(found)")
    }

    @Test("have limits")
    func limits() {
        func list(_ count: Int, _ prefix: String) -> String {
            "[\((0..<count).map { "\(prefix)\($0)" }.joined(separator: ", "))]"
        }
        #expect(errors("{run: \(list(256, "a"))}") == [])
        #expect(
            errors("{run: \(list(257, "a"))}") == [
                "4:16: 257 arguments are too many; a command has at most 256"
            ])
        let long = String(repeating: "x", count: 32 << 10)
        #expect(errors("{run: \(long)}") == [])
        #expect(
            errors("{run: [\(long), y]}").first?.hasPrefix("4:16: the command has 32769 bytes; at most 32768")
                == true)
        #expect(errors("{run: x, secrets: \(list(16, "s"))}") == [])
        #expect(
            errors("{run: x, secrets: \(list(17, "s"))}")
                == ["4:19: 17 secrets are too many; a component reads at most 16"])
        let variables = "{\((0..<65).map { "V\($0): a" }.joined(separator: ", "))}"
        #expect(
            errors("{run: x, environment: \(variables)}")
                == ["4:19: 65 variables are too many; a recipe has at most 64"])
        #expect(
            errors("{run: x, environment: {A: \(long)}}").first?
                .hasPrefix("4:19: names and values have 32769 bytes; at most 32768 are allowed for a recipe")
                == true)
        for key in ["read", "write"] {
            #expect(errors("{run: x}", "access: {\(key): \(list(32, "/p"))}") == [])
            #expect(
                errors("{run: x}", "access: {\(key): \(list(33, "/p"))}")
                    == ["5:10: 33 paths are too many; \"\(key)\" has at most 32"])
        }
        #expect(
            errors("{run: x}", "access: {devices: \(list(33, "/dev/p"))}")
                == ["5:10: 33 paths are too many; \"devices\" has at most 32"])
        let path = "/" + String(repeating: "p", count: 1_023)
        #expect(errors("{run: x}", "access: {read: [\(path)]}") == [])
        #expect(
            errors("{run: x}", "access: {read: [\(path)p]}")
                == ["5:17: the path has 1025 bytes; at most 1024 are allowed"])
    }

    @Test("are a document of a file of several")
    func documents() throws {
        let documents = try ManifestDocument.parseAll(
            Self.whole + "\n---\nkind: Thing\nname: t\n", fileName: "c.yaml")
        #expect(documents.map(\.identity) == ["Component \"compensate\" 1.0.0", "Thing \"t\""])
        let manifest = try ComponentManifest.parse(Self.whole, fileName: "c.yaml")
        #expect(ComponentManifest.configuration(of: Self.whole) == RecipeConfiguration(manifest.recipe))
        #expect(RecipeConfiguration(manifest.recipe).variables.count == 3)
        #expect(ComponentManifest.configuration(of: Self.whole)?.defaults == ["samples": .int(8)])
    }
}
