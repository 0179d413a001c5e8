import Foundation
import Messaging
import TestSupport
import Testing

@testable import Supervision

@Suite struct SandboxTests {
    /// A shell function that runs a command and writes down whether it went well.
    private let attempts = """
        try() { name=$1; shift; if "$@" > /dev/null 2>&1; then echo "$name yes"; else echo "$name no"; fi >> results; }

        """

    private func results(_ bench: Bench) async throws -> [String: String] {
        let text = try await eventually("it has tried all") {
            bench.text("results").flatMap { $0.hasSuffix("end yes\n") ? $0 : nil }
        }
        let pairs = text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        return Dictionary(pairs.map { ($0[0], $0[1]) }) { $1 }
    }

    @Test(.enabled(if: hasSandbox))
    func aProgramThatTriesEachForbiddenThingGetsNoneOfThem() async throws {
        let listener = try Listener()
        let outside = Process()
        outside.executableURL = URL(fileURLWithPath: "/bin/sleep")
        outside.arguments = ["\(uniqueSeconds())"]
        try outside.run()
        defer { kill(outside.processIdentifier, SIGKILL) }
        try await withBench(.full) { bench in
            try Data("secret".utf8).write(to: URL(fileURLWithPath: "\(bench.directory)/secret"))
            let connect =
                "import socket; socket.create_connection(('127.0.0.1', \(listener.port)), 5)"
            let plan = bench.plan(
                attempts + """
                    try sys ls /sys
                    try home ls /home
                    try root-home ls /root
                    try secret cat \(bench.directory)/secret
                    try core ls \(bench.directory)/programs
                    try log ls \(bench.directory)/log
                    try shadow cat /etc/shadow
                    try write-usr touch /usr/hedgerow-probe
                    try write-etc touch /etc/hedgerow-probe
                    try write-root touch /hedgerow-probe
                    try write-dev touch /dev/hedgerow-probe
                    try device test -e /dev/kmsg
                    try make-device mknod /tmp/device c 1 3
                    try mount mount -t tmpfs none /tmp
                    try network /usr/bin/python3 -c "\(connect)"
                    try route sh -c 'test $(wc -l < /proc/net/route) -gt 1'
                    try kill kill -0 \(outside.processIdentifier)
                    try processes sh -c 'test $(ls -d /proc/[0-9]* | wc -l) -gt 8'
                    try be-root setpriv --reuid 0 true
                    head -c 80000000 /dev/zero > /tmp/big 2> /dev/null && echo big-tmp yes >> results || echo big-tmp no >> results
                    rm -f /tmp/big
                    try work touch here
                    try data touch "$HOME/here"
                    try tmp touch /tmp/here
                    try names cat /etc/hosts
                    try system cat /etc/os-release
                    try null sh -c 'echo > /dev/null'
                    try end true
                    exec sleep 1000
                    """, sandbox: .required)
            let user = try await bench.supervise(plan) { supervisor -> (UInt32, Bool) in
                let results = try await self.results(bench)
                for name in [
                    "sys", "home", "root-home", "secret", "core", "log", "shadow", "write-usr", "write-etc",
                    "write-root", "write-dev", "device", "make-device", "mount", "network", "route", "kill",
                    "processes", "be-root", "big-tmp",
                ] {
                    #expect(results[name] == "no", "\(name)")
                }
                for name in ["work", "data", "tmp", "names", "system", "null"] {
                    #expect(results[name] == "yes", "\(name)")
                }
                let status = try FileManager.default.attributesOfItem(
                    atPath: "\(plan.directories.working)/here")
                let owner = (status[.ownerAccountID] as? NSNumber)?.uint32Value ?? 0
                return (owner, supervisor.confinement.contains("sandbox (bubblewrap)"))
            }
            #expect(user.0 == (geteuid() == 0 ? ProgramUser(of: "probe").id : geteuid()))
            #expect(user.1)
        }
    }

    @Test(.enabled(if: hasSandbox))
    func whatIsGrantedIsThere() async throws {
        let listener = try Listener()
        try await withBench(.full) { bench in
            for name in ["readable", "writable"] {
                try FileManager.default.createDirectory(
                    atPath: "\(bench.directory)/\(name)", withIntermediateDirectories: true,
                    attributes: [.posixPermissions: 0o777])
            }
            // Open to everybody, whatever this process' umask is.
            let file = "\(bench.directory)/readable/file"
            try Data("known".utf8).write(to: URL(fileURLWithPath: file))
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
            let connect =
                "import socket; socket.create_connection(('127.0.0.1', \(listener.port)), 5)"
            var plan = bench.plan(
                attempts + """
                    try read cat \(bench.directory)/readable/file
                    try write-readable touch \(bench.directory)/readable/mine
                    try write touch \(bench.directory)/writable/mine
                    try socket test -S \(listener.path)
                    try sys ls /sys/kernel
                    try sys-more ls /sys/class
                    try device test -c /dev/kmsg
                    try network /usr/bin/python3 -c "\(connect)"
                    try end true
                    exec sleep 1000
                    """)
            plan.grants = SandboxGrants(
                read: ["\(bench.directory)/readable", "/sys/kernel", "/nowhere/at/all"],
                write: ["\(bench.directory)/writable"], devices: ["/dev/kmsg"], sockets: [listener.path],
                network: true)
            try await bench.supervise(plan) { supervisor in
                let results = try await self.results(bench)
                #expect(results["read"] == "yes")
                #expect(results["write-readable"] == "no")
                #expect(results["write"] == "yes")
                #expect(results["socket"] == "yes")
                #expect(results["sys"] == "yes")
                #expect(results["sys-more"] == "no")
                if access("/dev/kmsg", F_OK) == 0 { #expect(results["device"] == "yes") }
                if access("/usr/bin/python3", X_OK) == 0 { #expect(results["network"] == "yes") }
                #expect(supervisor.tail(50).contains { $0.contains("/nowhere/at/all is granted") })
            }
        }
    }

    @Test func aProgramThatRequiresASandboxIsRefusedWhereThereIsNone() async throws {
        try await withBench(.plain) { bench in
            let plan = bench.plan("touch ran; exec sleep 1000", sandbox: .required)
            let refusal = try #require(bench.host.refusal(of: plan))
            #expect(refusal.contains("requires a sandbox"))
            #expect(refusal.contains("bubblewrap is not installed"))
            try await bench.supervise(plan) { supervisor in
                try await eventually("it is refused") { supervisor.status.state == .broken }
                #expect(supervisor.status.reason == refusal)
            }
            #expect(bench.text("ran") == nil)
            #expect(bench.host.confinement.sentence.contains("unconfined"))
        }
    }

    @Test func aBubblewrapThatDoesNotWorkIsFoundOut() async throws {
        try await withTemporaryDirectory { directory in
            let tools = try HostKind.groups.searchPath(in: directory)
            let script = "#!/bin/sh\necho 'bwrap: no permission here' >&2\nexit 1\n"
            try Data(script.utf8).write(to: URL(fileURLWithPath: "\(tools)/bwrap"))
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o755], ofItemAtPath: "\(tools)/bwrap")
            let finding = await SandboxTrial(tools: ProgramTools(path: tools)).result()
            #expect(
                finding == .absent(reason: "bubblewrap does not work here: bwrap: no permission here"))
        }
    }

    @Test func aUserIsAlwaysTheSameAndOneThatNobodyElseHas() {
        let user = ProgramUser(of: "compensate")
        #expect(user == ProgramUser(of: "compensate"))
        #expect(user != ProgramUser(of: "aggregate"))
        #expect((1_900_000_000..<1_900_065_536).contains(user.id))
    }

    /// The stages before a program must not load what its plan names.
    @Test func variablesOfLoadersAreSetLast() {
        var plan = ProgramPlan(
            name: "x", directories: ProgramDirectories(working: "/w", data: "/d", log: "/l"))
        plan.environment = ["LD_PRELOAD": "/w/evil.so", "TOKEN": "secret"]
        let builder = LaunchBuilder(
            tools: ProgramTools(), plan: plan, sandbox: nil, group: nil, isMemoryControlled: false)
        let launch = builder.launch(["program"], marker: ProgramMarker(run: "0"))
        #expect(launch.environment["LD_PRELOAD"] == nil)
        #expect(launch.environment["TOKEN"] == "secret")
        #expect(launch.arguments.suffix(3) == ["/usr/bin/env", "LD_PRELOAD=/w/evil.so", "program"])
        #expect(!launch.arguments.contains { $0.contains("secret") })
    }
}
